# Completion of pyrdpmux for fish, made by scripts/generate-manual with shtab.


# Parse current commandline:
# - _shtab_pyrdpmux_cmdpath=(sub)command path seen so far
# - _shtab_pyrdpmux_npos=number of positional arguments given after it
# - options are skipped based on _shtab_pyrdpmux_opts_with_value & _shtab_pyrdpmux_commands lists
function _shtab_pyrdpmux_scan
  set -g _shtab_pyrdpmux_cmdpath ''
  set -g _shtab_pyrdpmux_npos 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  set -l expect_value 0
  for t in $tokens
    if test $expect_value -eq 1
      set expect_value 0
      continue
    end
    switch "$t"
      case '--*=*'
        continue
      case '-*'
        if contains -- $t $_shtab_pyrdpmux_opts_with_value
          set expect_value 1
        end
        continue
      case '*'
        if test $_shtab_pyrdpmux_npos -eq 0
          set -l candidate $t
          if test -n "$_shtab_pyrdpmux_cmdpath"
            set candidate "$_shtab_pyrdpmux_cmdpath $t"
          end
          if contains -- $candidate $_shtab_pyrdpmux_commands
            set -g _shtab_pyrdpmux_cmdpath $candidate
            continue
          end
        end
        set -g _shtab_pyrdpmux_npos (math $_shtab_pyrdpmux_npos + 1)
    end
  end
end

# Condition helper: true if the current (sub)command path equals the given one.
function _shtab_pyrdpmux_using
  _shtab_pyrdpmux_scan
  test "$_shtab_pyrdpmux_cmdpath" = "$argv"
end

set -g _shtab_pyrdpmux_commands serve demo passwd user vms type rdp-file diagnose reload install-service dissect
set -g _shtab_pyrdpmux_opts_with_value --bin --bind --bus --certificate-dir --config --connection --demo --file --gateway-port --keys --log-format --output --port --prefix --qemu --qmp-sockets --root --security --source --state-dir --user --vm --vnc

complete -c pyrdpmux -e
complete -c pyrdpmux -f

complete -c pyrdpmux -n _shtab_pyrdpmux_using -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n _shtab_pyrdpmux_using -l version -d 'show program'"'"'s version number and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a serve -d 'run the daemon: hypervisors register over D-Bus'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l check -d 'start nothing: say what is wrong with configuration, accounts, certificates, sources and ports'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l source -x -d 'a VM and where it comes from, e.g. build7=vnc:127.0.0.1:5900 (repeatable)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l vnc -x -d 'the same as --source NAME=vnc:ADDRESS'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l qemu -x -d 'the same as --source NAME=qemu:ADDRESS'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l demo -x -d 'a built-in VM to try things out, the same as --source NAME=demo:'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l qmp-sockets -xka "(__fish_complete_directories)" -d 'every QEMU with a QMP socket in this directory, or at paths like this pattern (repeatable)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l bus -x -d 'system (default, if it can be had), session, none, or a D-Bus address'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l gateway-port -x -d 'one port for all VMs as well'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l port -x -d 'port of the first VM (default: 3901)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l bind -x -d 'address to listen at (default: 127.0.0.1)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l no-auth -d 'TLS without NLA: everybody may connect'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l log-format -xka "text json" -d 'a line of text or a JSON object for each record (default: to the journal where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using serve' -l certificate-dir -xka "(__fish_complete_directories)" -d 'where server.crt and server.key are'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a demo -d 'run the daemon with a built-in VM to try it out'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l security -xka "nla rdp tls" -d 'how clients connect (default: nla)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l port -x -d 'port of the first VM (default: 3901)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l bind -x -d 'address to listen at (default: 127.0.0.1)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l no-auth -d 'TLS without NLA: everybody may connect'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l log-format -xka "text json" -d 'a line of text or a JSON object for each record (default: to the journal where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using demo' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a passwd -d 'add a user, or change a user'"'"'s password'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -l stdin -d 'read the password from one line of standard input'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -l vm -x -d 'the SAM file that the configuration gives this VM'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -l file -xka "(__fish_complete_path (commandline -ct))" -d 'SAM file (default: that of the configuration)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using passwd' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a user -d 'list users, remove one, or check the file and a password'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -l stdin -d 'read the password from one line of standard input'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -l vm -x -d 'the SAM file that the configuration gives this VM'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -l file -xka "(__fish_complete_path (commandline -ct))" -d 'SAM file (default: that of the configuration)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using user; and test $_shtab_pyrdpmux_npos -eq 0' -ka "list remove check" -d 'list|remove|check'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a vms -d 'list the VMs of the running daemon'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using vms' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using vms' -l json -d 'as JSON, with what each has cost the daemon'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using vms' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using vms' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using vms' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a type -d 'type a text into a VM, as if somebody sat at its keyboard'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using type' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using type' -l file -xka "(__fish_complete_path (commandline -ct))" -d 'type what stands in this file (UTF-8)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using type' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using type' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using type' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a rdp-file -d 'write a .rdp file that opens a VM'"'"'s console'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -l user -x -d 'the user name to begin with'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -l output -xka "(__fish_complete_path (commandline -ct))" -d 'default: standard output'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -l direct -d 'the VM'"'"'s own port, not the gateway'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using rdp-file' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a diagnose -d 'what the running daemon holds: tasks, files, memory (JSON)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using diagnose' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using diagnose' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using diagnose' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using diagnose' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a reload -d 'have the running daemon read its configuration again'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using reload' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using reload' -l config -xka "(__fish_complete_path (commandline -ct))" -d 'configuration file (default: /etc/pyrdpmux/pyrdpmux.toml, where there is one)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using reload' -l state-dir -xka "(__fish_complete_directories)" -d 'the daemon'"'"'s own directory'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using reload' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a install-service -d 'put units, bus policy, manual, completion and a configuration in their places'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -l root -xka "(__fish_complete_directories)" -d 'install below DIR, as packages are built'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -l prefix -xka "(__fish_complete_directories)" -d 'default: /usr/local'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -l bin -xka "(__fish_complete_directories)" -d 'where the units find the commands (default: where this one is)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -l remove -d 'take away what was put there; the configuration stays'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using install-service' -s v -l verbose -d 'log more (-vv: libraries too)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using; and test $_shtab_pyrdpmux_npos -eq 0' -a dissect -d 'print what a captured RDP connection says'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect' -s h -l help -d 'show this help message and exit'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect' -l keys -xka "(__fish_complete_path (commandline -ct))" -d 'TLS key log in NSS format, or the server'"'"'s RSA key (default: secrets in the file itself)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect' -l connection -x -d 'this one (default: all that speak RDP)'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect' -l port -x -d 'all to this port of their server'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect' -l json -d 'one JSON object a line, with every field'
complete -c pyrdpmux -n '_shtab_pyrdpmux_using dissect; and test $_shtab_pyrdpmux_npos -eq 0' -ka "(__fish_complete_path (commandline -ct))" -d 'pcap or pcapng, of any program'
