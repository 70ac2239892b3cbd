# Completion of pyrdpmux for bash, made by scripts/generate-manual with shtab.

_shtab_pyrdpmux_subparsers=(serve demo passwd user vms type rdp-file diagnose reload install-service dissect)

_shtab_pyrdpmux_serve_option_strings=(-h --help --config --check --source --vnc --qemu --demo --qmp-sockets --bus --gateway-port --port --bind --no-auth --log-format --state-dir -v --verbose --certificate-dir)
_shtab_pyrdpmux_demo_option_strings=(-h --help --security --port --bind --no-auth --log-format --state-dir -v --verbose)
_shtab_pyrdpmux_passwd_option_strings=(-h --help --stdin --vm --file --config --state-dir -v --verbose)
_shtab_pyrdpmux_user_option_strings=(-h --help --stdin --vm --file --config --state-dir -v --verbose)
_shtab_pyrdpmux_vms_option_strings=(-h --help --json --config --state-dir -v --verbose)
_shtab_pyrdpmux_type_option_strings=(-h --help --file --config --state-dir -v --verbose)
_shtab_pyrdpmux_rdp_file_option_strings=(-h --help --user --output --direct --config --state-dir -v --verbose)
_shtab_pyrdpmux_diagnose_option_strings=(-h --help --config --state-dir -v --verbose)
_shtab_pyrdpmux_reload_option_strings=(-h --help --config --state-dir -v --verbose)
_shtab_pyrdpmux_install_service_option_strings=(-h --help --root --prefix --bin --remove -v --verbose)
_shtab_pyrdpmux_dissect_option_strings=(-h --help --keys --connection --port --json)
_shtab_pyrdpmux_option_strings=(-h --help --version)

_shtab_pyrdpmux_serve___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_serve___qmp_sockets_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_serve___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_serve___certificate_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_demo___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_passwd___file_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_passwd___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_passwd___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_user___file_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_user___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_user___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_vms___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_vms___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_type___file_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_type___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_type___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_rdp_file___output_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_rdp_file___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_rdp_file___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_diagnose___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_diagnose___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_reload___config_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_reload___state_dir_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_install_service___root_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_install_service___prefix_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_install_service___bin_COMPGEN=_shtab_compgen_dirs
_shtab_pyrdpmux_dissect_pos_0_COMPGEN=_shtab_compgen_files
_shtab_pyrdpmux_dissect___keys_COMPGEN=_shtab_compgen_files

_shtab_pyrdpmux_serve___log_format_choices=(text json)
_shtab_pyrdpmux_demo___security_choices=(nla rdp tls)
_shtab_pyrdpmux_demo___log_format_choices=(text json)
_shtab_pyrdpmux_user_pos_0_choices=(list remove check)
_shtab_pyrdpmux_pos_0_choices=(serve demo passwd user vms type rdp-file diagnose reload install-service dissect)

_shtab_pyrdpmux_serve__h_nargs=0
_shtab_pyrdpmux_serve___help_nargs=0
_shtab_pyrdpmux_serve___check_nargs=0
_shtab_pyrdpmux_serve___no_auth_nargs=0
_shtab_pyrdpmux_serve__v_nargs=0
_shtab_pyrdpmux_serve___verbose_nargs=0
_shtab_pyrdpmux_demo__h_nargs=0
_shtab_pyrdpmux_demo___help_nargs=0
_shtab_pyrdpmux_demo___no_auth_nargs=0
_shtab_pyrdpmux_demo__v_nargs=0
_shtab_pyrdpmux_demo___verbose_nargs=0
_shtab_pyrdpmux_passwd__h_nargs=0
_shtab_pyrdpmux_passwd___help_nargs=0
_shtab_pyrdpmux_passwd___stdin_nargs=0
_shtab_pyrdpmux_passwd__v_nargs=0
_shtab_pyrdpmux_passwd___verbose_nargs=0
_shtab_pyrdpmux_user__h_nargs=0
_shtab_pyrdpmux_user___help_nargs=0
_shtab_pyrdpmux_user___stdin_nargs=0
_shtab_pyrdpmux_user__v_nargs=0
_shtab_pyrdpmux_user___verbose_nargs=0
_shtab_pyrdpmux_vms__h_nargs=0
_shtab_pyrdpmux_vms___help_nargs=0
_shtab_pyrdpmux_vms___json_nargs=0
_shtab_pyrdpmux_vms__v_nargs=0
_shtab_pyrdpmux_vms___verbose_nargs=0
_shtab_pyrdpmux_type__h_nargs=0
_shtab_pyrdpmux_type___help_nargs=0
_shtab_pyrdpmux_type__v_nargs=0
_shtab_pyrdpmux_type___verbose_nargs=0
_shtab_pyrdpmux_rdp_file__h_nargs=0
_shtab_pyrdpmux_rdp_file___help_nargs=0
_shtab_pyrdpmux_rdp_file___direct_nargs=0
_shtab_pyrdpmux_rdp_file__v_nargs=0
_shtab_pyrdpmux_rdp_file___verbose_nargs=0
_shtab_pyrdpmux_diagnose__h_nargs=0
_shtab_pyrdpmux_diagnose___help_nargs=0
_shtab_pyrdpmux_diagnose__v_nargs=0
_shtab_pyrdpmux_diagnose___verbose_nargs=0
_shtab_pyrdpmux_reload__h_nargs=0
_shtab_pyrdpmux_reload___help_nargs=0
_shtab_pyrdpmux_reload__v_nargs=0
_shtab_pyrdpmux_reload___verbose_nargs=0
_shtab_pyrdpmux_install_service__h_nargs=0
_shtab_pyrdpmux_install_service___help_nargs=0
_shtab_pyrdpmux_install_service___remove_nargs=0
_shtab_pyrdpmux_install_service__v_nargs=0
_shtab_pyrdpmux_install_service___verbose_nargs=0
_shtab_pyrdpmux_dissect__h_nargs=0
_shtab_pyrdpmux_dissect___help_nargs=0
_shtab_pyrdpmux_dissect___json_nargs=0
_shtab_pyrdpmux_pos_0_nargs=A...
_shtab_pyrdpmux__h_nargs=0
_shtab_pyrdpmux___help_nargs=0
_shtab_pyrdpmux___version_nargs=0


# $1=COMP_WORDS[1]
_shtab_compgen_files() {
  compgen -f -- $1  # files
}

# $1=COMP_WORDS[1]
_shtab_compgen_dirs() {
  compgen -d -- $1  # recurse into subdirs
}

# $1=COMP_WORDS[1]
_shtab_replace_nonword() {
  echo "${1//[^[:word:]]/_}"
}

# set default values (called for the initial parser & any subparsers)
_set_parser_defaults() {
  local subparsers_var="${prefix}_subparsers[@]"
  sub_parsers=${!subparsers_var-}

  local current_option_strings_var="${prefix}_option_strings[@]"
  current_option_strings=${!current_option_strings_var}

  completed_positional_actions=0

  _set_new_action "pos_$completed_positional_actions" true
}

# $1=action identifier
# $2=positional action (bool)
# set all identifiers for an action's parameters
_set_new_action() {
  current_action="${prefix}_$(_shtab_replace_nonword $1)"

  local current_action_compgen_var=${current_action}_COMPGEN
  current_action_compgen="${!current_action_compgen_var-}"

  local current_action_choices_var="${current_action}_choices[@]"
  current_action_choices="${!current_action_choices_var-}"

  local current_action_nargs_var="${current_action}_nargs"
  if [ -n "${!current_action_nargs_var-}" ]; then
    current_action_nargs="${!current_action_nargs_var}"
  else
    current_action_nargs=1
  fi

  current_action_args_start_index=$(( $word_index + 1 - $pos_only ))

  current_action_is_positional=$2
}

# Notes:
# `COMPREPLY`: what will be rendered after completion is triggered
# `completing_word`: currently typed word to generate completions for
# `${!var}`: evaluates the content of `var` and expand its content as a variable
#     hello="world"
#     x="hello"
#     ${!x} -> ${hello} -> "world"
_shtab_pyrdpmux() {
  local completing_word="${COMP_WORDS[COMP_CWORD]}"
  local previous_word="${COMP_WORDS[COMP_CWORD-1]}"
  local completed_positional_actions
  local current_action
  local current_action_args_start_index
  local current_action_choices
  local current_action_compgen
  local current_action_is_positional
  local current_action_nargs
  local current_option_strings
  local sub_parsers
  COMPREPLY=()

  local prefix=_shtab_pyrdpmux
  local word_index=0
  local pos_only=0 # "--" delimiter not encountered yet
  _set_parser_defaults
  word_index=1

  # determine what arguments are appropriate for the current state
  # of the arg parser
  while [ $word_index -ne $COMP_CWORD ]; do
    local this_word="${COMP_WORDS[$word_index]}"

    if [[ $pos_only = 1 || " $this_word " != " -- " ]]; then
      if [[ -n $sub_parsers && " ${sub_parsers[@]} " == *" $this_word "* ]]; then
        # valid subcommand: add it to the prefix & reset the current action
        prefix="${prefix}_$(_shtab_replace_nonword $this_word)"
        _set_parser_defaults
      fi

      if [[ " ${current_option_strings[@]} " == *" $this_word "* ]]; then
        # a new action should be acquired (due to recognised option string or
        # no more input expected from current action);
        # the next positional action can fill in here
        _set_new_action $this_word false
      fi

      if [[ "$current_action_nargs" != "*" ]] && \
         [[ "$current_action_nargs" != "+" ]] && \
         [[ "$current_action_nargs" != "?" ]] && \
         [[ "$current_action_nargs" != *"..." ]] && \
         (( $word_index + 1 - $current_action_args_start_index - $pos_only >= \
            $current_action_nargs )); then
        $current_action_is_positional && let "completed_positional_actions += 1"
        _set_new_action "pos_$completed_positional_actions" true
      fi
    else
      pos_only=1 # "--" delimiter encountered
    fi

    let "word_index+=1"
  done

  # Generate the completions

  COMPREPLY=()
  if [[ $pos_only = 0 && "$completing_word" == -* &&
        ( -z "$current_action_compgen" || "$current_action_is_positional" = true ) ]]; then
    # optional argument started: use option strings
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_option_strings[*]}" -- "$completing_word")
  elif [[ "$previous_word" =~ ^[0-9\&]*[\<\>]\>?$ ]]; then
    # handle redirection operators
    compopt -o filenames 2>/dev/null || : # bash>=4
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$completing_word")
  else
    # use choices & compgen
    local action_compgen_word="$completing_word"
    # handle tab-completing in the middle of a line (#248 <- #116)
    [[ -n "$current_action_compgen" && "$completing_word" == -* ]] && action_compgen_word=""
    [ -n "$current_action_compgen" ] && {
      [[ "$current_action_compgen" =~ _(file|dir|glob|FILE|DIR|GLOB)|File|Dir|Glob ]] &&
        compopt -o filenames 2>/dev/null || : # bash>=4
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        "$current_action_compgen" "$action_compgen_word")
    }
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
      compgen -W "${current_action_choices[*]}" -- "$completing_word")
  fi

  if [[ ${#COMPREPLY[@]} = 0 ]]; then
    # native fallback matches are not necessarily filenames (e.g. variables)
    compopt +o filenames 2>/dev/null || : # bash>=4
  fi

  return 0
}

complete -o bashdefault -F _shtab_pyrdpmux pyrdpmux