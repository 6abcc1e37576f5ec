#!/bin/sh
# Makes the certificates of these tests: an authority, one that it has signed, and one of a stranger.
# They are good for a hundred years, and for nothing else: their keys are public.
set -e
cd "$(dirname "$0")"
days=36500
authority() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days $days -out "$1.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
}
signed() {
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf 'subjectAltName=DNS:node.example\nbasicConstraints=CA:FALSE\n' > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days $days -extfile "$1.ext" \
        -out "$1.pem" -CAcreateserial
    rm "$1.csr" "$1.ext" "$2.srl"
}
authority authority "Authority of tests"
authority other "Another authority"
signed node authority
signed stranger other
rm authority.key other.key
