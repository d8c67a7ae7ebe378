# shellcheck shell=bash
# Ansible and its linters, in a Python environment of their own: Debian 12's cannot manage the
# Python of Debian 13, and a run is to behave the same on every control machine.

readonly PIP_LIMIT_S=900
readonly PYTHON_VERSION_MIN=3.11

# An environment is made where it stays, for its programs name that place; the stamp is written
# last. Its Python is a link to the system's, which may have been replaced by another version.
has_ansible() {
  local python
  [[ -r $ANSIBLE_DIR/.sluice-installed && -x $ANSIBLE_DIR/bin/python3 ]] || return
  python=$(readlink -f -- "$ANSIBLE_DIR/bin/python3")
  [[ -d $ANSIBLE_DIR/lib/${python##*/} ]]
}

# Prints the path of a Python that is new enough and can make environments.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "
import ensurepip, sys, venv
sys.exit(sys.version_info < tuple(map(int, '$PYTHON_VERSION_MIN'.split('.'))))
" 2>/dev/null; then
      type -P "$python"
      return
    fi
  done
  return 1
}

list_ansible_build_dependencies() {
  has_debian ca-certificates || DEBIAN_MISSING+=(ca-certificates)
  find_python >/dev/null || DEBIAN_MISSING+=(python3-venv)
}

install_ansible() {
  local log=$CACHE_DIR/log/ansible.log
  if ! run_step "Ansible, from the Python package index" "$log" last_line fetch_ansible; then
    fail_step "installing Ansible" "$log" \
      "Check that pip reaches its index, and that python3 is $PYTHON_VERSION_MIN or newer."
  fi
}

fetch_ansible() {
  local python
  if ! python=$(find_python); then
    printf 'There is no python3 %s or newer with venv and ensurepip.\n' "$PYTHON_VERSION_MIN"
    return 1
  fi
  rm -rf -- "$ANSIBLE_DIR" && mkdir -p -- "${ANSIBLE_DIR%/*}" || return
  "$python" -m venv "$ANSIBLE_DIR" || return
  timeout --foreground --kill-after=10 "$PIP_LIMIT_S" \
    "$ANSIBLE_DIR/bin/python3" -m pip install --no-input --disable-pip-version-check \
    --requirement "$SLUICE_ROOT/ansible/requirements.txt" || return
  "$ANSIBLE_DIR/bin/ansible-playbook" --version || return
  : >"$ANSIBLE_DIR/.sluice-installed"
}
