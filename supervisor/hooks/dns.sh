# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# What the hooks for name servers share: which records an address becomes. They need common.sh, and functions
# `put TYPE OWNER RDATA...` and `drop TYPE OWNER`.

# dns_settings: checks DNS_*, and sets what has a default.
dns_settings() {
    : "${DNS_RECORDS:=A}" "${DNS_TTL:=60}" "${DNS_TARGET:=${DNS_NAME-}}" "${DNS_ALPN=h2,http/1.1}"
    need_word DNS_NAME "the full name, such as home.example.com"
    need_word DNS_TARGET
    need_number DNS_TTL 1 604800
    case $DNS_ALPN in
    *[!a-z0-9,./-]*) fail "DNS_ALPN: '$DNS_ALPN' is no list such as h2,http/1.1" 2 ;;
    esac
    for record in $DNS_RECORDS; do
        case $record in
        A | IP4P | HTTPS) ;;
        SRV)
            need_word DNS_SERVICE "SRV needs it, for example _minecraft"
            need_word NATTER_PROTOCOL
            ;;
        *) fail "DNS_RECORDS: '$record' is none of A, SRV, HTTPS and IP4P" 2 ;;
        esac
    done
}

# dns_family [V4 V6]: the first word for an IPv4 address, the second for an IPv6 one. After the loss of the address
# the old one tells.
dns_family() {
    case ${NATTER_OUTER_IP:-${NATTER_OLD_OUTER_IP-}} in
    *:*) echo "$2" ;;
    *) echo "$1" ;;
    esac
}

# An HTTPS record's parameters, in the order of their numbers.
dns_parameters() {
    printf '%sport="%s" %s="%s"\n' "${DNS_ALPN:+alpn=\"$DNS_ALPN\" }" "$NATTER_OUTER_PORT" \
        "$(dns_family ipv4hint ipv6hint)" "$NATTER_OUTER_IP"
}

dns_put_all() {
    for record in $DNS_RECORDS; do
        case $record in
        A) put "$(dns_family A AAAA)" "$DNS_NAME" "$NATTER_OUTER_IP" ;;
        IP4P)
            need_word NATTER_IP4P "IP4P is for IPv4 addresses; take it from DNS_RECORDS for this mapping"
            put AAAA "$DNS_NAME" "$NATTER_IP4P"
            ;;
        SRV) put SRV "$DNS_SERVICE._$NATTER_PROTOCOL.$DNS_NAME" 0 0 "$NATTER_OUTER_PORT" "$DNS_TARGET" ;;
        HTTPS) put HTTPS "$DNS_NAME" 1 . "$(dns_parameters)" ;;
        esac
    done
}

dns_drop_all() {
    for record in $DNS_RECORDS; do
        case $record in
        A) drop "$(dns_family A AAAA)" "$DNS_NAME" ;;
        IP4P) drop AAAA "$DNS_NAME" ;;
        SRV) drop SRV "$DNS_SERVICE._$NATTER_PROTOCOL.$DNS_NAME" ;;
        HTTPS) drop HTTPS "$DNS_NAME" ;;
        esac
    done
}
