#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The ready hooks of supervisor/hooks that ask by HTTP: each changes the state of a stand-in of what it talks to, and
# says what is wrong.

# In jq's programs the variables are jq's.
# shellcheck disable=SC2016

# shellcheck source-path=SCRIPTDIR source=hooks_ready.bash
source "$BATS_TEST_DIRNAME/hooks_ready.bash"
bats_require_minimum_version 1.5.0

use_cloudflare() {
    standin
    secret token cloudflare-secret
    settings cloudflare.conf <<END
CLOUDFLARE_API=$at/client/v4
CLOUDFLARE_ZONE_ID=023e105f4ecef8ad9ca31a8372d0c353
CLOUDFLARE_TOKEN_FILE=$folder/token
DNS_NAME=home.example.com
DNS_RECORDS="${1-A}"
DNS_SERVICE=_minecraft
END
}

use_qbittorrent() {
    standin
    secret password 'pass&word+%"\ secret'
    settings qbittorrent.conf <<END
QBITTORRENT_URL=$at
QBITTORRENT_PASSWORD_FILE=$folder/password
END
}

use_webhook() {
    standin
    secret url "$at/hook/in?key=url-secret"
    secret header "X-Key: hook-secret"
    settings webhook.conf <<END
WEBHOOK_URL_FILE=$folder/url
WEBHOOK_HEADER_FILE=$folder/header
END
}

# What every hook that asks by HTTP says of the same troubles.
troubles() {
    mishap html
    refused 1 "$at" hook "$1" "$folder/$1.conf"
    mishap 500
    refused 1 "$at answered with status 500" hook "$1" "$folder/$1.conf"
    mishap none
    standin_end
    refused 1 "no answer from $at" hook "$1" "$folder/$1.conf"
}

@test "ready hooks: --help, wrong calls and missing settings" {
    for shell in dash busybox; do
        with $shell
        for program in cloudflare nsupdate qbittorrent transmission webhook; do
            run -0 hook $program --help
            [[ ${lines[0]} == "$program [SETTINGS"* && $output == *"/libexec/natter/hooks/$program /etc/"* ]]
            refused 2 "unknown option --hlep" hook $program --hlep
            refused 2 "too many arguments" hook $program a b c
            refused 2 "$folder/none: cannot be found" hook $program "$folder/none"
            event=sideways refused 2 "'sideways', not up, change or down" hook $program
            address='$(reboot)' refused 2 'NATTER_OUTER_IP' hook $program
        done
        refused 2 "CLOUDFLARE_ZONE_ID is not set" hook cloudflare
        refused 2 "DNS_NAME is not set" hook nsupdate
        refused 2 "WEBHOOK_URL is not set: nor is WEBHOOK_URL_FILE" hook webhook
    done
}

@test "ready hooks: settings that others could write, and secrets that everybody can read, are refused" {
    use_cloudflare
    for shell in dash busybox; do
        with $shell
        chmod 644 "$folder/token"
        refused 2 "$folder/token: everybody may read it; chmod o=" hook cloudflare "$folder/cloudflare.conf"
        chmod 640 "$folder/token"
        chmod 664 "$folder/cloudflare.conf"
        refused 2 "$folder/cloudflare.conf: others may write it" hook cloudflare "$folder/cloudflare.conf"
        chmod 644 "$folder/cloudflare.conf"
        chown nobody "$folder/cloudflare.conf"
        refused 2 "belongs to user $(id -u nobody)" hook cloudflare "$folder/cloudflare.conf"
        chown 0 "$folder/cloudflare.conf"
        : >"$folder/token"
        refused 2 "$folder/token: is empty" hook cloudflare "$folder/cloudflare.conf"
        secret token cloudflare-secret
        hook cloudflare "$folder/cloudflare.conf"
    done
}

@test "ready hooks: settings may come from the environment, too" {
    use_webhook
    given=("WEBHOOK_URL=$at/hook/in" "WEBHOOK_HEADER=X-Key: hook-secret")
    hook webhook
    state '.hooked[-1].outer_port == $port'
}

@test "cloudflare: records are made, changed where they are, and taken away on down" {
    use_cloudflare "A SRV HTTPS IP4P"
    for shell in dash busybox; do
        with $shell
        for event in up change; do
            address=203.0.113.$((RANDOM % 250))
            [[ $event == up ]] || address=203.0.113.7
            run -0 hook cloudflare "$folder/cloudflare.conf"
            [[ ${lines[0]} == "A record of home.example.com: $address" ]]
            jq -e --arg address "$address" '.records[0].content == $address' "$folder/state.json"
        done
        state '[.records[] | .type] == ["A", "SRV", "HTTPS", "AAAA"]'
        state 'all(.records[]; .ttl == 60) and .records[0].name == "home.example.com"'
        state '.records[1].name == "_minecraft._tcp.home.example.com"'
        state '.records[1].data == {priority: 0, weight: 0, port: $port, target: "home.example.com"}'
        state '.records[2].data.value == "alpn=\"h2,http/1.1\" port=\"\($port)\" ipv4hint=\"203.0.113.7\""'
        [[ $(jq -r '.records[3].content' "$folder/state.json") == "$(ip4p)" ]]
        # Without {event} it is not called on down; with it, the event is the second argument.
        event=down address='' hook cloudflare "$folder/cloudflare.conf" down
        state '.records == []'
        event=down address='' hook cloudflare "$folder/cloudflare.conf" down
    done
    [[ $(grep -c '^POST .* 200$' "$folder/requests") == 8 && $(grep -c '^PATCH .* 200$' "$folder/requests") == 8 ]]
}

@test "cloudflare: an IPv6 address is an AAAA record, and has no IP4P" {
    use_cloudflare "A HTTPS"
    address=2001:db8::7
    hook cloudflare "$folder/cloudflare.conf"
    state '.records[0] | .type == "AAAA" and .content == "2001:db8::7"'
    state '.records[1].data.value | endswith("ipv6hint=\"2001:db8::7\"")'
    echo 'DNS_RECORDS=IP4P' >>"$folder/cloudflare.conf"
    refused 2 "IP4P is for IPv4 addresses" hook cloudflare "$folder/cloudflare.conf"
}

@test "cloudflare: what is wrong is said, and nothing is changed by mistake" {
    use_cloudflare
    for shell in dash busybox; do
        with $shell
        secret token wrong
        refused 2 'status 403: "Authentication error"; do the token' hook cloudflare "$folder/cloudflare.conf"
        secret token cloudflare-secret
        for wrong in "DNS_NAME='a b.example.com'|DNS_NAME: 'a b.example.com' has a character" "DNS_TTL=fast|is no number" \
            "DNS_TTL=0|is not within" "DNS_RECORDS=MX|'MX' is none of" "DNS_RECORDS=SRV DNS_SERVICE=|DNS_SERVICE is not set" \
            "DNS_NAME=home.elsewhere.org|invalid" "CLOUDFLARE_ZONE_ID=0|Could not route"; do
            { cat "$folder/cloudflare.conf" && echo "${wrong%|*}"; } >"$folder/wrong.conf"
            refused 2 "${wrong#*|}" hook cloudflare "$folder/wrong.conf"
        done
    done
    curl -sS -H "Authorization: Bearer cloudflare-secret" -H "Content-Type: application/json" -d \
        '{"type":"A","name":"other.example.com","ttl":60,"content":"192.0.2.1"}' \
        "$at/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records"
    hook cloudflare "$folder/cloudflare.conf"
    state '.records[0].content == "192.0.2.1" and .records[1].content == "203.0.113.7"'
    troubles cloudflare
}

@test "qbittorrent: the listening port, in versions before 5.2 and since, and with an API key" {
    for version in old new; do
        use_qbittorrent
        mishap $version
        for shell in dash busybox; do
            with $shell
            hook qbittorrent "$folder/qbittorrent.conf"
            state '.preferences == {listen_port: $port, random_port: false, upnp: false}'
        done
        [[ $(grep -c auth/login "$folder/requests") == 2 ]]
        standin_end
    done
    use_qbittorrent
    mishap new
    secret key qbt_key-secret
    settings qbittorrent.conf <<<"QBITTORRENT_URL=$at QBITTORRENT_API_KEY_FILE=$folder/key"
    hook qbittorrent "$folder/qbittorrent.conf"
    state '.preferences.listen_port == $port'
    run ! grep auth/login "$folder/requests"
}

@test "qbittorrent: announce_port leaves the listening port, and a version without it is noticed" {
    use_qbittorrent
    echo QBITTORRENT_SETTING=announce_port >>"$folder/qbittorrent.conf"
    mishap new
    hook qbittorrent "$folder/qbittorrent.conf"
    state '.preferences.announce_port == $port and .preferences.listen_port == 6881'
    standin_end
    use_qbittorrent
    echo QBITTORRENT_SETTING=announce_port >>"$folder/qbittorrent.conf"
    run -1 hook qbittorrent "$folder/qbittorrent.conf"
    [[ $output == *"did not take \"announce_port\":40123; announce_port needs version 5.1"* ]]
}

@test "qbittorrent: what is wrong is said" {
    use_qbittorrent
    secret password wrong
    for shell in dash busybox; do
        with $shell
        mishap old
        refused 2 "does not know this user and password" hook qbittorrent "$folder/qbittorrent.conf"
        mishap new
        refused 2 "status 401: log-in failed" hook qbittorrent "$folder/qbittorrent.conf"
    done
    echo QBITTORRENT_SETTING=port >"$folder/wrong.conf"
    refused 2 "'port' is neither listen_port nor announce_port" hook qbittorrent "$folder/wrong.conf"
    echo "QBITTORRENT_URL=$at" >"$folder/wrong.conf"
    refused 2 "status 403: not logged in?" hook qbittorrent "$folder/wrong.conf"
    # Its port is nobody's business when there is no address.
    event=down address='' hook qbittorrent "$folder/qbittorrent.conf"
    troubles qbittorrent
}

@test "transmission: the peer port, with the session that the first answer tells" {
    use_transmission
    for shell in dash busybox; do
        with $shell
        hook transmission "$folder/transmission.conf"
        state '.session == {"peer-port": $port, "peer-port-random-on-start": false, "port-forwarding-enabled": false}'
    done
    [[ $(grep -c ' 409$' "$folder/requests") == 2 && $(grep -c ' 200$' "$folder/requests") == 2 ]]
    secret login wrong:login
    refused 2 "status 401: wrong user or password" hook transmission "$folder/transmission.conf"
    event=down address='' hook transmission "$folder/transmission.conf"
    troubles transmission
}

@test "webhook: every field as JSON, also of down, and a body of one's own" {
    use_webhook
    for shell in dash busybox; do
        with $shell
        hook webhook "$folder/webhook.conf"
        state '.hooked[-1] | .name == "web" and .event == "up" and .outer_ip == "203.0.113.7" and .outer_port == $port
            and .old_outer_ip == "203.0.113.6" and .old_outer_port == 40000 and .inner_port == 443 and .protocol == "tcp"
            and .inner_ip == "192.168.1.10" and .target == "192.168.1.10:443" and (.ip4p | startswith("2001::")) and length == 11'
        address='' hook webhook "$folder/webhook.conf" down
        state '.hooked[-1] | .event == "down" and .outer_ip == ""'
    done
    cat >>"$folder/webhook.conf" <<'END'
WEBHOOK_BODY="{
    \"text\": \"$NATTER_NAME: a \\\\ and a \\\" at $NATTER_OUTER_PORT\"
}"
END
    hook webhook "$folder/webhook.conf"
    state '.hooked[-1] == {text: "web: a \\ and a \" at \($port)"}'
    secret header "X-Key: wrong"
    refused 2 "$at answered with status 403: are the URL and the header right?" hook webhook "$folder/webhook.conf"
    [[ $output != *secret* ]]
    mishap 500
    refused 1 "$at answered with status 500" hook webhook "$folder/webhook.conf"
}

@test "secrets are in no process's command line or environment" {
    use_cloudflare "A SRV"
    use_qbittorrent
    use_transmission
    use_webhook
    under=(env -i PATH="$PATH" strace -f -qq -e trace=execve -v -s 10000 -o "$folder/trace")
    for program in cloudflare qbittorrent transmission webhook; do
        hook $program "$folder/$program.conf"
        grep -q '"curl"' "$folder/trace"
        run ! grep -E 'secret|Bearer' "$folder/trace"
    done
}
