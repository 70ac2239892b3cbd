# bash completion for pyrdpmux, made by scripts/generate-manual.
# /usr/share/bash-completion/completions/pyrdpmux

_pyrdpmux() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "serve demo passwd vms type rdp-file diagnose reload dissect --help --version" -- "$current"))
        return
    fi
    case $command:$previous in
        serve:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        serve:--source) return ;;
        serve:--vnc) return ;;
        serve:--qemu) return ;;
        serve:--qmp-sockets) COMPREPLY=($(compgen -d -- "$current")); return ;;
        serve:--bus) return ;;
        serve:--gateway-port) return ;;
        serve:--port) return ;;
        serve:--bind) return ;;
        serve:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        serve:--certificate-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        demo:--security) COMPREPLY=($(compgen -W "nla rdp tls" -- "$current")); return ;;
        demo:--port) return ;;
        demo:--bind) return ;;
        demo:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        passwd:--vm) return ;;
        passwd:--file) COMPREPLY=($(compgen -f -- "$current")); return ;;
        passwd:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        passwd:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        vms:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        vms:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        type:--file) COMPREPLY=($(compgen -f -- "$current")); return ;;
        type:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        type:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        rdp-file:--user) return ;;
        rdp-file:--output) COMPREPLY=($(compgen -f -- "$current")); return ;;
        rdp-file:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        rdp-file:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        diagnose:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        diagnose:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        reload:--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
        reload:--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        dissect:--keys) COMPREPLY=($(compgen -f -- "$current")); return ;;
        dissect:--connection) return ;;
        dissect:--port) return ;;
    esac
    case $command in
        serve) COMPREPLY=($(compgen -W "-h --help --config --source --vnc --qemu --qmp-sockets --bus --gateway-port --port --bind --no-auth --state-dir -v --verbose --certificate-dir" -- "$current")) ;;
        demo) COMPREPLY=($(compgen -W "-h --help --security --port --bind --no-auth --state-dir -v --verbose" -- "$current")) ;;
        passwd) COMPREPLY=($(compgen -W "-h --help --stdin --vm --file --config --state-dir -v --verbose" -- "$current")) ;;
        vms) COMPREPLY=($(compgen -W "-h --help --json --config --state-dir -v --verbose" -- "$current")) ;;
        type) COMPREPLY=($(compgen -W "-h --help --file --config --state-dir -v --verbose" -- "$current")) ;;
        rdp-file) COMPREPLY=($(compgen -W "-h --help --user --output --direct --config --state-dir -v --verbose" -- "$current")) ;;
        diagnose) COMPREPLY=($(compgen -W "-h --help --config --state-dir -v --verbose" -- "$current")) ;;
        reload) COMPREPLY=($(compgen -W "-h --help --config --state-dir -v --verbose" -- "$current")) ;;
        dissect) COMPREPLY=($(compgen -W "-h --help --keys --connection --port --json" -- "$current")) ;;
    esac
}
complete -F _pyrdpmux pyrdpmux
