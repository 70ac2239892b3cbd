#compdef pyrdpmux

# Completion of pyrdpmux for zsh, made by scripts/generate-manual with shtab.


_shtab_pyrdpmux_commands() {
  local _commands=(
    demo:'run the daemon with a built-in VM to try it out'
    diagnose:'what the running daemon holds: tasks, files, memory (JSON)'
    dissect:'print what a captured RDP connection says'
    install-service:'put units, bus policy, manual, completion and a configuration in their places'
    passwd:'add a user, or change a user'"'"'s password'
    rdp-file:'write a .rdp file that opens a VM'"'"'s console'
    reload:'have the running daemon read its configuration again'
    serve:'run the daemon: hypervisors register over D-Bus'
    type:'type a text into a VM, as if somebody sat at its keyboard'
    user:'list users, remove one, or check the file and a password'
    vms:'list the VMs of the running daemon'
  )
  _describe 'pyrdpmux commands' _commands
}

_shtab_pyrdpmux_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "(- : *)--version[show program\'s version number and exit]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_defaults_added=0

_shtab_pyrdpmux_demo_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--security[how clients connect (default\: nla)]:security:(nla rdp tls)"
  "--port[port of the first VM (default\: 3901)]:N:"
  "--bind[address to listen at (default\: 127.0.0.1)]:ADDRESS:"
  "--no-auth[TLS without NLA\: everybody may connect]"
  "--log-format[a line of text or a JSON object for each record (default\: to the journal where there is one)]:log_format:(text json)"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_demo_defaults_added=0

_shtab_pyrdpmux_diagnose_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_diagnose_defaults_added=0

_shtab_pyrdpmux_dissect_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--keys[TLS key log in NSS format, or the server\'s RSA key (default\: secrets in the file itself)]:FILE:_files"
  "--connection[this one (default\: all that speak RDP)]:N:"
  "--port[all to this port of their server]:P:"
  "--json[one JSON object a line, with every field]"
  ":pcap or pcapng, of any program:_files"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_dissect_defaults_added=0

_shtab_pyrdpmux_install_service_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--root[install below DIR, as packages are built]:DIR:_files -/"
  "--prefix[default\: \/usr\/local]:DIR:_files -/"
  "--bin[where the units find the commands (default\: where this one is)]:DIR:_files -/"
  "--remove[take away what was put there\; the configuration stays]"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_install_service_defaults_added=0

_shtab_pyrdpmux_passwd_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--stdin[read the password from one line of standard input]"
  "--vm[the SAM file that the configuration gives this VM]:NAME:"
  "--file[SAM file (default\: that of the configuration)]:FILE:_files"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
  ":\[DOMAIN\\\]USER:"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_passwd_defaults_added=0

_shtab_pyrdpmux_rdp_file_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--user[the user name to begin with]:user:"
  "--output[default\: standard output]:FILE.rdp:_files"
  "--direct[the VM\'s own port, not the gateway]"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
  ":VM:"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_rdp_file_defaults_added=0

_shtab_pyrdpmux_reload_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_reload_defaults_added=0

_shtab_pyrdpmux_serve_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--check[start nothing\: say what is wrong with configuration, accounts, certificates, sources and ports]"
  "*--source[a VM and where it comes from, e.g. build7\=vnc\:127.0.0.1\:5900 (repeatable)]:NAME=KIND:ADDRESS:"
  "*--vnc[the same as --source NAME\=vnc\:ADDRESS]:NAME=ADDRESS:"
  "*--qemu[the same as --source NAME\=qemu\:ADDRESS]:NAME=ADDRESS:"
  "*--demo[a built-in VM to try things out, the same as --source NAME\=demo\:]:NAME:"
  "*--qmp-sockets[every QEMU with a QMP socket in this directory, or at paths like this pattern (repeatable)]:DIR:_files -/"
  "--bus[system (default, if it can be had), session, none, or a D-Bus address]:BUS:"
  "--gateway-port[one port for all VMs as well]:N:"
  "--port[port of the first VM (default\: 3901)]:N:"
  "--bind[address to listen at (default\: 127.0.0.1)]:ADDRESS:"
  "--no-auth[TLS without NLA\: everybody may connect]"
  "--log-format[a line of text or a JSON object for each record (default\: to the journal where there is one)]:log_format:(text json)"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
  "--certificate-dir[where server.crt and server.key are]:DIR:_files -/"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_serve_defaults_added=0

_shtab_pyrdpmux_type_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--file[type what stands in this file (UTF-8)]:FILE:_files"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
  ":VM:"
  ":default\: standard input:"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_type_defaults_added=0

_shtab_pyrdpmux_user_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--stdin[read the password from one line of standard input]"
  "--vm[the SAM file that the configuration gives this VM]:NAME:"
  "--file[SAM file (default\: that of the configuration)]:FILE:_files"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
  ":list\|remove\|check:(list remove check)"
  ":whom to remove, or whose password to check:"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_user_defaults_added=0

_shtab_pyrdpmux_vms_options=(
  "(- : *)"{-h,--help}"[show this help message and exit]"
  "--json[as JSON, with what each has cost the daemon]"
  "--config[configuration file (default\: \/etc\/pyrdpmux\/pyrdpmux.toml, where there is one)]:FILE.toml:_files"
  "--state-dir[the daemon\'s own directory]:DIR:_files -/"
  "*"{-v,--verbose}"[log more (-vv\: libraries too)]"
)

# guard to ensure default positional specs are added only once per session
_shtab_pyrdpmux_vms_defaults_added=0


_shtab_pyrdpmux() {
  local context state line curcontext="$curcontext" one_or_more='(*)' remainder='(-)*:' default='*::: :->pyrdpmux'

  # Add default positional/remainder specs only if none exist, and only once per session
  if (( ! _shtab_pyrdpmux_defaults_added )); then
    if (( ${_shtab_pyrdpmux_options[(I)${(q)one_or_more}*]} +          ${_shtab_pyrdpmux_options[(I)${(q)remainder}*]} +          ${_shtab_pyrdpmux_options[(I)${(q)default}]} == 0 )); then
      _shtab_pyrdpmux_options+=(': :_shtab_pyrdpmux_commands' '*::: :->pyrdpmux')
    fi
    _shtab_pyrdpmux_defaults_added=1
  fi
  _arguments -C -s $_shtab_pyrdpmux_options

  case $state in
    pyrdpmux)
      words=($line[1] "${words[@]}")
      (( CURRENT += 1 ))
      curcontext="${curcontext%:*:*}:_shtab_pyrdpmux-$line[1]:"
      case $line[1] in
        demo) _arguments -C -s $_shtab_pyrdpmux_demo_options ;;
        diagnose) _arguments -C -s $_shtab_pyrdpmux_diagnose_options ;;
        dissect) _arguments -C -s $_shtab_pyrdpmux_dissect_options ;;
        install-service) _arguments -C -s $_shtab_pyrdpmux_install_service_options ;;
        passwd) _arguments -C -s $_shtab_pyrdpmux_passwd_options ;;
        rdp-file) _arguments -C -s $_shtab_pyrdpmux_rdp_file_options ;;
        reload) _arguments -C -s $_shtab_pyrdpmux_reload_options ;;
        serve) _arguments -C -s $_shtab_pyrdpmux_serve_options ;;
        type) _arguments -C -s $_shtab_pyrdpmux_type_options ;;
        user) _arguments -C -s $_shtab_pyrdpmux_user_options ;;
        vms) _arguments -C -s $_shtab_pyrdpmux_vms_options ;;
      esac
  esac
}



typeset -A opt_args

if [[ $zsh_eval_context[-1] == eval ]]; then
  # eval/source/. command, register function for later
  compdef _shtab_pyrdpmux -N pyrdpmux
else
  # autoload from fpath, call function directly
  _shtab_pyrdpmux "$@"
fi
