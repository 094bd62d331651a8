#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify.sh [--enrolment FILE]: checks the evidence in whose directory it lies with a shell, coreutils, cmp, openssl and
# tpm2_checkquote. What is checked, and what is not, is printed with the verdict; README.txt says more. The format that
# is checked here is described in docs/audit-format.md of libcryptomod.
#
# It must never say more than `cryptomod-audit verify` does: report.json has that program's verdict, and what is said
# here is not better than it.
#
# shellcheck disable=SC2015  # tampered, undecided and usage end the script: A && B || tampered means what it says
set -u
export LC_ALL=C

# Each is a pattern of that many bytes in hexadecimal digits.
q1='??' q4='????????' q16='????????????????????????????????' q32=$q16$q16
zero32=0000000000000000000000000000000000000000000000000000000000000000
spki=3059301306072a8648ce3d020106082a8648ce3d03010703420004 # SubjectPublicKeyInfo of P-256 up to the point

code=0 notes=''
segment='' offset=0 next_frame=0 next_record=0 anchors=0 log_id='' head=$zero32
state=nothing ended_at=0 end_covered=0 sealed=0
proof='' proved_records=0 barrier=0 explain='' base_frame=0 base_pcr='' anchored=-1 nv_ahead=0 clean=0 unexplained=0 begun_frame=0
previous_attest=$zero32

# ---- Verdict

word() {
  case $1 in
    0) echo verified ;;
    1) echo tampered ;;
    3) echo incomplete ;;
    *) echo undecided ;;
  esac
}

# tampered SENTENCE: the first thing that is wrong ends the work.
tampered() {
  printf 'verdict: tampered (exit 1)\n%s' "$1"
  if [ -n "$segment" ]; then printf ': %s offset %s, frame %s' "${segment#log/}" "$offset" "$next_frame"; fi
  printf '\nNothing is proved by this script. What cryptomod-audit said when the bundle was made is in report.html.\n'
  exit 1
}

undecided() {
  printf 'verdict: undecided (exit 2)\n%s\nNothing is proved.\n' "$1"
  exit 2
}

no_room() { undecided 'there is no room for temporary files'; }

# incomplete SENTENCE: it goes on, but will not end with 0.
incomplete() {
  code=3
  notes="$notes  3 $1
"
}

# ---- Bytes

# hash: SHA-256 of standard input, in hexadecimal digits.
hash() {
  set -- "$(sha256sum)"
  echo "${1%% *}"
}

# bytes HEX: these bytes.
bytes() {
  todo=$1 octal=''
  while [ -n "$todo" ]; do
    after=${todo#??}
    byte=0x${todo%"$after"}
    octal="$octal\\0$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
    todo=$after
  done
  printf '%b' "$octal"
}

# part OFFSET SIZE: these bytes of the segment.
part() { dd if="$segment" bs=65536 iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none; }

# take BYTES: moves that many bytes from the front of $rest into $got; false when there are fewer.
take() {
  many=$1 pattern=''
  while [ "$many" -ge 32 ]; do pattern=$pattern$q32 many=$((many - 32)); done
  while [ "$many" -ge 4 ]; do pattern=$pattern$q4 many=$((many - 4)); done
  while [ "$many" -ge 1 ]; do pattern=$pattern$q1 many=$((many - 1)); done
  # shellcheck disable=SC2295  # it is meant as a pattern
  after=${rest#$pattern}
  [ "$1" -eq 0 ] || [ "$after" != "$rest" ] || return 1
  got=${rest%"$after"}
  rest=$after
}

# little BYTES: takes a number whose lowest byte comes first; $got has its digits, $number its value.
little() {
  take "$1" || return 1
  todo=$got got=''
  while [ -n "$todo" ]; do
    after=${todo#??}
    got=${todo%"$after"}$got
    todo=$after
  done
  number=$((0x$got))
}

# blob: takes a length (lowest byte first) and what it counts. sized: the same as a TPM writes it.
blob() { little 2 && take "$number"; }
sized() { take 2 && take $((0x$got)); }

# expect HEX: takes exactly these bytes.
expect() {
  after=${rest#"$1"}
  [ "$after" != "$rest" ] && rest=$after
}

# field FILE NAME: the value of a field of a JSON object, without quotes. The name must be there once.
field() {
  tr -d ' \t\r\n' <"$1" | tr ',{}' '\n' | {
    found=0 value=''
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in "\"$2\":"*) found=$((found + 1)) value=${line#*:} ;; esac
    done
    [ "$found" -eq 1 ] || exit 1
    value=${value#\"}
    printf '%s\n' "${value%\"}"
  }
}

# ---- What is there

check_tools() {
  for tool in sha256sum od dd cmp tr date stat mktemp rm cp openssl tpm2_checkquote; do
    command -v "$tool" >/dev/null || undecided "there is no $tool here; Debian has it in coreutils, diffutils, openssl or tpm2-tools"
  done
}

# check_files: every file is the one that SHA256SUMS names, and there is no other.
check_files() {
  sha256sum --check --strict --quiet SHA256SUMS >"$scratch/sums" 2>&1 || {
    cat "$scratch/sums" >&2
    tampered 'a file is not the one that SHA256SUMS names'
  }
  listed=0 there=0
  while read -r _; do listed=$((listed + 1)); done <SHA256SUMS
  for file in * .[!.]* log/* log/.[!.]* anchors/* anchors/.[!.]*; do
    case $file in log | anchors) continue ;; esac
    if [ -e "$file" ] || [ -L "$file" ]; then there=$((there + 1)); fi
    if [ -L "$file" ]; then tampered "$file is a link"; fi
  done
  [ "$there" -eq $((listed + 1)) ] || tampered 'there are files that SHA256SUMS does not name'
}

# read_report: what cryptomod-audit said. It caps what is said here.
read_report() {
  report_code=$(field report.json exit_code) && report_head=$(field report.json head) &&
    report_covered=$(field report.json covered_through_record) || undecided 'report.json is not a report of cryptomod-audit'
  case $report_code in 0 | 1 | 3) ;; *) undecided 'report.json has no verdict' ;; esac
  report_torn=0
  while read -r line; do
    if [ "$line" = '"id": "torn-last-frame",' ]; then report_torn=1; fi
  done <report.json
}

read_enrolment() {
  [ -n "$enrolment" ] || return 0
  [ "$(field "$enrolment" version)" = 1 ] || undecided 'the enrolment record is none, or not of version 1'
  for name in log_id ak_public genesis_head nv_name reset_count restart_count clock_ms nv_index nv_start pcr_index tpm_kind; do
    value=$(field "$enrolment" "$name") || undecided "field \"$name\" of the enrolment record is missing or there twice"
    case $value in *[!A-Za-z0-9]* | '') undecided "field \"$name\" of the enrolment record is wrong" ;; esac
    eval "enrolled_$name=\$value"
  done
}

# enrolled NAME VALUE: whether the genesis frame says what was enrolled.
enrolled() {
  [ -n "$enrolment" ] || return 0
  eval "value=\$enrolled_$1"
  case $1 in log_id | ak_public | genesis_head | nv_name) value=$(echo "$value" | tr A-F a-f) ;; esac
  [ "$value" = "$2" ] || tampered "the genesis frame is not the one that was enrolled [$1]"
}

# ---- The TPM

# extend: the head goes into the PCR (TPM 2.0 Part 1, 17.4). What a frame led to is kept until an anchor is behind it.
extend() {
  pcr=$(bytes "$pcr$head" | hash)
  eval "at_$next_frame=\"\$head \$pcr \$next_record\""
}

# carry: the frames that this one carries stay out of the PCR. They lie behind the frame anchored last and behind the one
# with which the replay began.
carry() {
  [ "$carried" != 0 ] || return 0
  frame=$((next_frame - carried))
  [ "$frame" -gt "$base_frame" ] && [ "$frame" -gt "$begun_frame" ] || tampered 'the frame carries frames that it cannot carry'
  eval "kept=\$at_$((frame - 1))"
  kept=${kept#* } pcr=${kept% *}
  while [ "$frame" -lt "$next_frame" ]; do
    eval "kept=\$at_$frame"
    eval "at_$frame=\"${kept%% *} $pcr ${kept##* }\" carried_$frame=1"
    frame=$((frame + 1))
  done
}

# forget FRAME: nothing before this frame is needed any more.
forget() {
  while [ "$base_frame" -lt "$1" ]; do
    unset "at_$base_frame" "carried_$base_frame"
    base_frame=$((base_frame + 1))
  done
}

# explained VALUE: whether a frame since the last anchored one, that one included, led to this value.
explained() {
  [ "$1" = "$base_pcr" ] && return 0
  frame=$base_frame
  while [ "$frame" -lt "$next_frame" ]; do
    eval "case \$at_$frame in *' $1 '*) return 0 ;; esac"
    frame=$((frame + 1))
  done
  return 1
}

# identity: takes what a frame says of the TPM.
identity() {
  take 1 && kind=$got && take 4 && manufacturer=$got && little 8 && firmware=$got && little 4 && resets=$number &&
    little 4 && restarts=$number && little 8 && clock=$number && take 1 && safe=$got
}

remember_tpm() { tpm_kind=$kind tpm_maker=$manufacturer tpm_firmware=$firmware tpm_resets=$resets tpm_restarts=$restarts tpm_clock=$clock; }

# read_key AK: from TPMT_PUBLIC to a PEM file and the name with which the TPM signs.
read_key() {
  rest=$1
  expect 0023000b && take 4 && attributes=$((0x$got)) && sized && expect 00100018000b00030010 && sized && x=$got &&
    sized && y=$got && [ -z "$rest" ] || tampered 'the attestation key is not an ECDSA P-256 key of a TPM'
  [ $((attributes & 0x50032)) -eq $((0x50032)) ] && [ $((attributes & 0x20000)) -eq 0 ] ||
    tampered 'the attestation key is not a restricted signing key'
  while [ ${#x} -lt 64 ]; do x=00$x; done
  while [ ${#y} -lt 64 ]; do y=00$y; done
  bytes "$spki$x$y" >"$scratch/ak.der" || no_room
  openssl pkey -pubin -inform DER -in "$scratch/ak.der" -noout >/dev/null 2>&1 ||
    tampered 'the attestation key is not a point of the curve'
  openssl pkey -pubin -inform DER -in "$scratch/ak.der" -out "$scratch/ak.pem" >/dev/null 2>&1 || no_room
  signer=000b$(bytes "$1" | hash)
  signer=000b$(bytes "4000000b$signer" | hash)
  cmp -s "$scratch/ak.pem" ak.pem || tampered 'ak.pem is not the attestation key of the log'
}

genesis() {
  blob && little 4 && little 4 && take 1 && identity && little 4 && pcr_index=$number && take 32 && pcr=$got && blob &&
    ak=$got && little 4 && nv_index=$number && blob && nv_name=$got && little 8 && counter=$number && take 16 ||
    tampered 'the genesis frame does not decode'
  [ "$pcr_index" -lt 24 ] || tampered 'there is no such PCR'
  enrolled log_id "$log_id"
  enrolled ak_public "$ak"
  enrolled reset_count "$resets"
  enrolled restart_count "$restarts"
  enrolled clock_ms "$clock"
  enrolled nv_index "$nv_index"
  enrolled nv_name "$nv_name"
  enrolled nv_start "$counter"
  enrolled pcr_index "$pcr_index"
  case $kind in 01) kind_word=software ;; 02) kind_word=device ;; *) tampered 'there is no such kind of TPM' ;; esac
  enrolled tpm_kind "$kind_word"
  enrolled genesis_head "$head"
  case $pcr_index in
    16 | 23)
      barrier=1
      incomplete "the log's PCR can be reset by software: its quotes prove nothing"
      ;;
  esac
  read_key "$ak"
  base_pcr=$pcr state=running
  remember_tpm
}

# start: a writer began. What it says of the TPM is believed only as far as the next quote says the same.
start() {
  blob && little 4 && identity && take 32 && found=$got && little 8 && value=$number ||
    tampered 'the frame of a start does not decode'
  reset=0
  [ "$resets" -eq "$tpm_resets" ] || reset=1
  [ "$type$state$reset" != 2running0 ] || tampered 'boot without an end frame or a reset of the TPM before it'
  [ "$kind$manufacturer" = "$tpm_kind$tpm_maker" ] && { [ $reset = 1 ] || [ "$firmware" = "$tpm_firmware" ]; } ||
    tampered 'the TPM is another one'
  [ "$resets" -ge "$tpm_resets" ] && { [ $reset = 1 ] || [ "$restarts" -ge "$tpm_restarts" ]; } ||
    tampered "the TPM's counts of resets and restarts go back"
  [ "$clock" -ge "$tpm_clock" ] || [ "$reset$safe" = 100 ] || tampered "the TPM's clock goes back"
  [ "$resets" -le $((tpm_resets + 1)) ] || incomplete "the TPM was started more often than this log recorded (frame $next_frame)"
  if [ $reset = 1 ] && [ $clean = 0 ]; then
    barrier=1
    incomplete "the TPM was reset while frames were not anchored (frame $next_frame)"
  fi
  if [ $reset = 0 ] && ! explained "$found"; then explain=$next_frame unexplained=1 barrier=1; fi
  counter_at_start
  if [ $reset = 1 ]; then
    forget "$next_frame"
    pcr=$found base_pcr=$found
  fi
  remember_tpm
  clean=0 state=running end_covered=0
}

# counter_at_start: docs/audit-format.md, "Counter at a start".
counter_at_start() {
  [ "$value" -ne "$counter" ] || return 0
  if [ "$value" -eq $((counter + 1)) ] && [ $clean = 0 ] && [ $unexplained = 0 ]; then
    nv_ahead=1
  elif [ "$reset$tpm_kind$clean" = 1020 ] && [ "$value" -gt "$counter" ]; then
    counter=$value
    incomplete "the TPM's counter jumped ahead at an unclean start (frame $next_frame)"
  else
    tampered "the TPM's counter does not continue where this log left it"
  fi
}

unexplained_extend() {
  take 32 && expected=$got && take 32 && found=$got || tampered 'the frame does not decode'
  [ "$expected" != "$found" ] && explained "$expected" || tampered 'the expected value of the PCR is not one of this log'
  explain='' unexplained=1 barrier=1 pcr=$found
  incomplete "possible truncation: the PCR held a value that this log does not explain (frame $next_frame)"
}

# attested WHAT TYPE HEX: takes what a quote and a certification have in common.
attested() {
  rest=$3
  expect "ff544347$2" && sized && [ "$got" = "$signer" ] || tampered "the $1 is not one of the log's attestation key in the endorsement hierarchy"
  sized && [ "$got" = "$qualifying" ] || tampered "the $1 was made for another log, place, counter value or time"
  take 8 && clock=$((0x$got)) && take 4 && resets=$((0x$got)) && take 4 && restarts=$((0x$got)) && take 1 && safe=$got &&
    take 8 && firmware=$got || tampered "the $1 is cut off"
  [ "$resets" -eq "$tpm_resets" ] && [ "$restarts" -ge "$tpm_restarts" ] || tampered "the $1 was made after another start of the TPM than is recorded"
  [ "$clock" -ge "$tpm_clock" ] || tampered "the TPM's clock goes back in the $1"
  [ "$firmware" = "$tpm_firmware" ] || tampered "the firmware of the TPM changed unrecorded"
}

# check_quote: tpm2_checkquote judges the signature, the qualifying data and the digest of the PCR. Whether it was this
# PCR is looked at here, because not every version of that tool does so.
check_quote() {
  name=$(printf 'anchors/%012d' "$next_frame")
  bytes "$quote" >"$scratch/quote" && bytes "$quote_signature" >"$scratch/signature" && bytes "$pcr_value" >"$scratch/pcr" || no_room
  cmp -s "$scratch/quote" "$name.quote" && cmp -s "$scratch/signature" "$name.signature" && cmp -s "$scratch/pcr" "$name.pcr" ||
    tampered "the files $name.* are not what the log has"
  tpm2_checkquote -u "$scratch/ak.pem" -m "$scratch/quote" -s "$scratch/signature" -f "$scratch/pcr" \
    -l "sha256:$pcr_index" -g sha256 -q "$qualifying" >/dev/null 2>"$scratch/said" || {
    cat "$scratch/said" >&2
    tampered 'tpm2_checkquote refuses the quote'
  }
  attested quote 8018 "$quote"
  quote_clock=$clock quote_resets=$resets quote_restarts=$restarts quote_safe=$safe
  case $((pcr_index / 8)) in
    0) bitmap=$(printf '%02x0000' $((1 << pcr_index))) ;;
    1) bitmap=$(printf '00%02x00' $((1 << (pcr_index - 8)))) ;;
    *) bitmap=$(printf '0000%02x' $((1 << (pcr_index - 16)))) ;;
  esac
  expect "00000001000b03${bitmap}0020" || tampered "the quote covers other registers than the log's PCR, or says so in a way that this script does not read"
  [ "$rest" = "$(hash <"$scratch/pcr")" ] || tampered 'the quoted PCR is not the one these frames lead to'
}

# der_number HEX: an INTEGER.
der_number() {
  digits=$1
  while [ ${#digits} -gt 2 ]; do case $digits in 00*) digits=${digits#00} ;; *) break ;; esac done
  case $digits in [89a-f]*) digits=00$digits ;; esac
  printf '02%02x%s' $((${#digits} / 2)) "$digits"
}

# check_certification: of the TPM's counter. tpm2-tools have no command for it, openssl judges the signature.
check_certification() {
  rest=$nv_signature
  expect 0018000b && sized && r=$got && sized && s=$got && [ -z "$rest" ] || tampered 'the signature of the certification is not one'
  r=$(der_number "$r")$(der_number "$s")
  bytes "30$(printf '%02x' $((${#r} / 2)))$r" >"$scratch/signature" && bytes "$nv_attest" >"$scratch/nv" || no_room
  openssl dgst -sha256 -verify "$scratch/ak.pem" -signature "$scratch/signature" "$scratch/nv" >/dev/null 2>&1 ||
    tampered 'the certification of the counter is not signed by the attestation key'
  attested 'certification of the counter' 8014 "$nv_attest"
  sized && [ "$got" = "$nv_name" ] || tampered 'the certified counter is not the enrolled one'
  expect 00000008 && take 8 && [ -z "$rest" ] && [ $((0x$got)) -eq "$value" ] || tampered 'the certified value is not the recorded one'
  [ "$value" -eq $((counter + 1)) ] || [ "$nv_ahead$value" = "1$((counter + 2))" ] ||
    tampered "the TPM's counter does not continue where this log left it: anchors are missing or were made elsewhere"
}

anchor() {
  take 8 && seq_raw=$got && rest=$seq_raw$rest && little 8 && seq=$number && take 32 && anchored_head=$got && take 32 &&
    pcr_value=$got && take 8 && value_raw=$got && rest=$value_raw$rest && little 8 && value=$number && take 32 &&
    challenge=$got && take 16 && blob && quote=$got && blob && quote_signature=$got && blob && nv_attest=$got && blob &&
    nv_signature=$got || tampered 'the anchor does not decode'
  [ "$seq" -ge "$base_frame" ] && [ "$seq" -lt "$next_frame" ] || tampered 'the anchor names a frame that it cannot name'
  eval "kept=\$at_$seq"
  kept_head=${kept%% *} kept_records=${kept##* } kept=${kept#* }
  kept_pcr=${kept% *}
  eval "kept=\${carried_$seq-0}"
  [ "$kept" = 0 ] || tampered 'the anchor names a frame that another carries'
  [ "$kept_head" = "$anchored_head" ] || tampered 'the anchor names another head'
  [ "$kept_pcr" = "$pcr_value" ] || tampered 'the PCR of the anchor is not the one these frames lead to'
  domain=63727970746f6d6f642d616e63686f72 # cryptomod-anchor
  qualifying=$(bytes "$domain$log_id$seq_raw$anchored_head$previous_attest$challenge$value_raw$time_raw" | hash)
  check_quote
  check_certification
  [ "$restarts" -ge "$quote_restarts" ] || restarts=$quote_restarts
  [ "$clock" -ge "$quote_clock" ] || clock=$quote_clock
  [ "$restarts" -eq "$tpm_restarts" ] || incomplete "the TPM was restarted while the writer ran (frame $next_frame)"
  tpm_restarts=$restarts tpm_clock=$clock counter=$value nv_ahead=0 unexplained=0 anchored=$seq anchors=$((anchors + 1))
  previous_attest=$(hash <"$scratch/quote")
  if [ $barrier = 0 ]; then
    proved_records=$kept_records proof="$seq $quote_clock $quote_resets $quote_restarts $quote_safe $time_ns"
  fi
  forget "$seq"
  base_pcr=$kept_pcr
  if [ $state = ended ] && [ "$anchored" -ge "$ended_at" ]; then end_covered=1 clean=1; fi
}

# ---- Frames

# cut_off SENTENCE: no whole frame is here. At the end of the log cryptomod-audit may have said why.
cut_off() {
  [ $last_segment = 1 ] && [ $report_torn = 1 ] || tampered "$1"
  incomplete "the last frame is incomplete: ${segment#log/} offset $offset"
}

# read_header: the 128 bytes once in hexadecimal and once as 16 numbers, lowest byte first.
read_header() {
  # shellcheck disable=SC2046  # the words are wanted
  set -- $(od -An -v -w128 --endian=little -t x1 -t u8 -j "$offset" -N 128 "$segment")
  [ $# -eq 144 ] || tampered 'the file cannot be read'
  version=$((${130} & 0xffff)) type=$((${130} >> 16 & 0xffff)) carried=$((${130} >> 32 & 0xffffffff)) frame_seq=${133}
  first_record=${134} record_count=$((${135} & 0xffffffff)) var_size=$((${135} >> 32)) time_ns=${136}
  IFS=''
  rest=$*
  unset IFS
  take 8 && magic=$got && take 8 && take 16 && frame_log_id=$got && take 24 && take 8 && time_raw=$got && take 32 &&
    previous=$got && take 32 && digest=$got
}

# cut_frame: whether a whole frame begins here. Its size is what the header says.
cut_frame() {
  [ $((size - offset)) -ge 128 ] || { cut_off 'a frame is shorter than its header'; return 1; }
  read_header
  [ "$magic" = 434d415544495431 ] || { cut_off 'bytes that do not begin a frame where one must begin'; return 1; }
  [ $version = 1 ] && [ $type -ge 1 ] && [ $type -le 13 ] && [ $carried -le 65536 ] && [ $record_count -le 65536 ] &&
    [ $var_size -le 4194304 ] && [ $((var_size % 64)) = 0 ] && { [ $type = 7 ] || [ $record_count = 0 ]; } &&
    case $type in 1 | 2 | 9) [ $carried = 0 ] ;; esac ||
    tampered 'a header field has a value that version 1 does not allow'
  body=$((var_size + 64 * record_count))
  frame_size=$((128 + body + (4 * record_count + 79) / 64 * 64))
  [ $frame_size -le $((size - offset)) ] || { cut_off 'the frame is longer than what is left'; return 1; }
  [ "$(part $((offset + 128)) $body | hash)" = "$digest" ] && return 0
  [ $frame_size = $((size - offset)) ] || tampered 'the bytes of this frame are not those that were written'
  cut_off 'the bytes of this frame are not those that were written'
  return 1
}

check_chain() {
  [ "$frame_seq" = $next_frame ] || tampered 'frames are missing, doubled or out of order'
  [ -n "$log_id" ] || log_id=$frame_log_id
  [ "$frame_log_id" = "$log_id" ] || tampered 'the frame carries the id of another log'
  [ "$previous" = "$head" ] || tampered 'the frame does not chain to the frame before it'
  [ "$first_record" = $next_record ] || tampered "the frame's first record does not follow the records before it"
  case $state-$type in
    nothing-1 | running-[2-9] | running-1[0-3] | ended-[289]) ;;
    *) tampered 'a frame of this type may not stand here' ;;
  esac
  [ -z "$explain" ] || [ "$type" = 9 ] || tampered "frame $explain names a value of the PCR that these frames do not lead to"
}

check_seal() {
  little 4 && name=$(printf 'log/%08d.cmlog' "$number") && little 4 && little 8 && [ "$name $number" = "$segment $offset" ] ||
    tampered 'the seal belongs to another place'
  sealed=1
}

# meaning: of those types that the proof rests on.
meaning() {
  case $type in 1 | 2 | 8 | 9 | 11 | 12) rest=$(part $((offset + 128)) "$var_size" | od -An -v -t x1 | tr -d ' \n') ;; esac
  case $type in
    1) genesis ;;
    2 | 11) start ;;
    8) anchor ;;
    9) unexplained_extend ;;
    10) incomplete "a client broke its ring and was cut off (frame $next_frame)" ;;
    12) check_seal ;;
    13) state=ended ended_at=$next_frame end_covered=0 ;;
  esac
}

check_segment() {
  size=$(stat -c %s "$segment") offset=0 sealed=0
  [ "$size" -gt 0 ] || { cut_off 'the segment is empty'; return; }
  while [ $offset -lt "$size" ]; do
    [ $sealed = 0 ] || tampered 'the segment goes on behind its seal'
    cut_frame || return
    check_chain
    head=$(part $offset 128 | hash)
    meaning
    next_record=$((next_record + record_count))
    carry
    extend
    case $type in 1 | 2 | 9) begun_frame=$next_frame ;; esac
    next_frame=$((next_frame + 1)) offset=$((offset + frame_size)) bytes_read=$((bytes_read + frame_size))
    [ $((next_frame % 250)) != 0 ] || echo "verify.sh: frame $next_frame, $bytes_read of $bytes_all bytes" >&2
  done
}

check_log() {
  bytes_read=0 bytes_all=0 last_segment=0
  for file in log/*; do bytes_all=$((bytes_all + $(stat -c %s "$file"))); done
  set -- log/*
  count=$#
  while [ $# -gt 0 ]; do
    [ "$1" = "$(printf 'log/%08d.cmlog' $((count - $#)))" ] && [ -f "$1" ] ||
      tampered 'the segments are not numbered consecutively from 0, or there is something else among them'
    [ $# -gt 1 ] || last_segment=1
    segment=$1
    check_segment
    shift
  done
  segment=''
}

# ---- What follows

# conclude: the end of the log, and whether the report is of this log.
conclude() {
  [ $next_frame -gt 0 ] || undecided 'the log has no frame'
  [ $state != running ] || incomplete 'the log does not end with an end frame: it is live, or was cut off'
  [ $state != ended ] || [ $end_covered = 1 ] || incomplete 'no anchor covers the end frame'
  [ -n "$enrolment" ] || incomplete 'no enrolment record was given: the log was held only against its own claims'
  if [ "$report_code" = 1 ]; then
    tampered 'what is checked here agrees, but the report says that cryptomod-audit found the log tampered'
  fi
  covered=null
  [ "$proved_records" -eq 0 ] || covered=$((proved_records - 1))
  [ "$report_head $report_covered" = "$head $covered" ] || tampered 'report.json is not the report of this log'
  [ "$report_code" = 0 ] || [ $code = 3 ] || incomplete 'the report says incomplete for a reason that is not checked here; see report.html'
  [ "$report_code" = 0 ] || code=3
}

# statement: the sentence of cryptomod-audit.
statement() {
  tail="tail of $((next_record - proved_records)) records unanchored"
  through="through record $((proved_records - 1))"
  if [ -z "$proof" ]; then
    [ -z "$enrolment" ] || { echo "Nothing is proved; $tail."; return; }
    echo "Nothing is proved, no quote under the log's own key covers a record; $tail."
    return
  fi
  # shellcheck disable=SC2086  # words
  set -- $proof
  [ "$proved_records" -gt 0 ] || through="through frame $1, before the first record"
  unsafe=''
  [ "$5" = 01 ] || unsafe=', clock not safe'
  utc=$(date -u -d "@$(($6 / 1000000000))" +%Y-%m-%dT%H:%M:%S).$(printf %09d $(($6 % 1000000000)))Z
  when="at TPM time $2 ms of clock (reset $3, restart $4$unsafe; about $utc)"
  if [ -n "$enrolment" ]; then
    echo "Proved $through $when; $tail."
  else
    echo "Nothing is proved without an enrolment record; quotes under the log's own key cover the log $through $when; $tail."
  fi
}

say_verdict() {
  echo "verdict: $(word $code) (exit $code)"
  statement
  echo "log $log_id, $kind_word TPM, head $head"
  echo "TPM counter of the last anchor: $counter"
  echo "$count segments, $bytes_read bytes, $next_frame frames, $next_record records, $anchors anchors"
  [ -z "$enrolment" ] || echo "enrolment record: $enrolment_name, SHA-256 $(hash <"$enrolment")"
  [ -z "$notes" ] || printf 'findings:\n%s' "$notes"
  echo 'checked:'
  echo '  SHA256SUMS: every file of the bundle, and that there is no other'
  echo '  headers, records and chain of heads of every frame, from the genesis frame on without a gap'
  echo "  $anchors anchors: quotes by tpm2_checkquote, replay of the PCR, certified counter values by openssl, counts and clock of the TPM"
  [ -z "$enrolment" ] || echo '  the genesis frame, attestation key and TPM counter against the enrolment record'
  echo 'not checked here, and taken from report.json, which is the word of who made the bundle:'
  echo '  order of records, entry and exit pairs, sessions, clients; times; checksums and midstates of the trailers'
  echo 'not checked:'
  [ -n "$enrolment" ] || echo '  who made the log: no enrolment record was given'
  [ "$enrolment_name" != enrolment.json ] || echo '  the enrolment record itself: it came with the bundle; compare it with yours, or give yours with --enrolment'
  echo '  whether this script is the one of libcryptomod: who changed the evidence could have changed it too'
  echo '  whether the log once went on after its last frame: compare the counter above with that of the TPM'
  echo '  whether the TPM is genuine hardware: no endorsement certificate was enrolled'
  echo '  whether the application recorded truthfully: code inside it can forge or skip its own future records'
  if [ "$kind_word" = software ]; then echo 'software anchor: no hardware claim'; fi
}

usage() {
  echo 'usage: verify.sh [--enrolment FILE]' >&2
  exit 64
}

main() {
  enrolment='' enrolment_name='' given=''
  case $# in
    0) ;;
    2) [ "$1" = --enrolment ] && given=$2 || usage ;;
    *) usage ;;
  esac
  check_tools
  scratch=$(mktemp -d) || no_room
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 2' HUP INT TERM
  if [ -n "$given" ]; then
    cp -- "$given" "$scratch/enrolment" || undecided "cannot read $given"
    enrolment=$scratch/enrolment enrolment_name=$given
  fi
  cd "$(dirname -- "$0")" || undecided 'there is no evidence here'
  [ -f SHA256SUMS ] && [ -f report.json ] && [ -d log ] || undecided 'there is no evidence beside this script'
  if [ -z "$given" ] && [ -e enrolment.json ]; then enrolment=enrolment.json enrolment_name=enrolment.json; fi
  check_files
  read_report
  read_enrolment
  check_log
  conclude
  say_verdict
  exit $code
}

main "$@"
