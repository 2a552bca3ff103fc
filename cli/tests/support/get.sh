# get.sh FOLDER SUITE PACKAGE... : unpacks packages of a suite of Debian into a folder. Nothing is installed: apt's lists are
# private, and come from the mirror that this machine uses.
set -eu
folder=$1 suite=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/list"
apt() {
    apt-get -qq -o "Dir::State::Lists=$work/lists" -o "Dir::Etc::SourceList=$work/list" -o Dir::Etc::SourceParts=/dev/null \
        -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
cd "$work/packages"
apt download "$@"
for package in *.deb; do dpkg -x "$package" "$folder"; done
