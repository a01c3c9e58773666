package mta

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"dnsbld/listing/helo"
)

// The corpus holds a line for each shape that Exim 4.94 to 4.98 and Postfix 3.4 to 3.11 write of a client, for each set of what their
// settings add, made from the formats in their sources. The client is always 203.0.113.5 and says 192.0.2.25, which is our address: that is
// bogus where the line shows that it had not authenticated, a note where it does not, and exempt where it had, or where the service is for
// submission.
//
// testdata/corpus.tsv is the corpus for people, and for other programs: format, what becomes of the line, the line. -update writes it.

type corpusLine struct{ format, want, line string }

const (
	wantBogus  = "bogus"
	wantNote   = "note"
	wantExempt = "exempt"
	wantNone   = "none" // nothing of a session
)

// eximSelectors are sets of what log selectors add to a client: the port, the interface, the connection, TLS.
var eximSelectors = []struct{ port, fields, tls string }{
	{"", "", ""},
	{":20042", "", ""},
	{"", " I=[192.0.2.25]:25", ""},
	{":20042", " I=[192.0.2.25]:25 Ci=8001", ""},
	{"", "", " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no"},
	{":20042", " I=[192.0.2.25]:25 U=ident Ci=8001", ` X=TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256* CV=no DN="CN=client, O=\"x\"" SNI=mx.rcpt.example`},
	{":20042", " I=[192.0.2.25]:587 Ci=8001", " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no"},
}

// eximShapes are lines, with {host} for the client without H=, {tls} for what TLS adds, and {auth} for " A=…".
var eximShapes = []struct{ want, text string }{
	{wantBogus, "H={host}{tls} F=<a@s.example>{auth} rejected RCPT <b@rcpt.example>: relay not permitted"},
	{wantBogus, "H={host}{tls} F=<a@s.example>{auth} temporarily rejected RCPT <b@rcpt.example>: greylisted"},
	{wantBogus, "H={host}{tls} F=<>{auth} rejected RCPT <b@rcpt.example>"},
	{wantBogus, `H={host}{tls} F=<a@s.example>{auth} rejected RCPT <b@rcpt.example>: "JunkMail rejected - (192.0.2.25) [203.0.113.5]:55379 is in an RBL"`},
	{wantBogus, `H={host}{tls} F=<"a b A=x> rejected RCPT"@s.example>{auth} rejected RCPT <"b A=x> c"@rcpt.example>: no`},
	{wantBogus, "H={host}{tls} F=<a@s.example>{auth} SPF=softfail DMARC=none rejected RCPT <b@rcpt.example>: no"},
	{wantBogus, "ID H={host}{tls} F=<a@s.example>{auth} rejected after DATA: spam F=<x> A=y"},
	{wantBogus, "ID H={host}{tls} F=<a@s.example>{auth} temporarily rejected after DATA: later"},
	{wantBogus, "ID H={host}{tls} F=<a@s.example>{auth} rejected during MIME ACL checks: no"},
	{wantNote, "H={host}{tls} rejected MAIL <a@s.example> SIZE=100 A=x: no"},
	{wantNote, "H={host}{tls} temporarily rejected MAIL <a@s.example>"},
	{wantNote, "H={host}{tls} rejected EHLO or HELO 192.0.2.25: no"},
	{wantNote, "H={host}{tls} rejected DATA: no valid recipients"},
	{wantNote, "H={host}{tls} rejected AUTH PLAIN: no"},
	{wantNote, "H={host}{tls} rejected STARTTLS"},
	{wantNote, "H={host}{tls} rejected VRFY root: no"},
	{wantNote, "ID H={host}{tls} rejected after DATA PRDR: no"},
	{wantNote, "H={host} sender verify fail for <a@s.example>: Unrouteable address"},
	{wantNote, "H={host} sender verify defer for <a@s.example>: host lookup did not complete"},
	{wantNote, "H={host} Warning: a warning A=x of an ACL"},
	{wantNote, "H={host} incomplete transaction (RSET) from <a@s.example> for b@rcpt.example"},
	{wantNote, "H={host} F=<a@s.example> RCPT <b@rcpt.example>: discarded by RCPT ACL: no"},
	{wantBogus, `ID <= a@s.example H={host} P=esmtpP{tls} CV=no{auth} S=362 id=x@s.example T="a subject A=x" from <a@s.example> for b@rcpt.example`},
	{wantBogus, "ID <= a@s.example H={host} P=esmtpP{tls}{auth} PRX=192.0.2.9 K S=362 M8S=8 DKIM=s.example RT=0.1s Q=fast id=x@s.example"},
	{wantBogus, "ID <= <> R=IDREF H={host} TFO* P=esmtpP{tls} L*-{auth} PRDR S=362"},
	{wantBogus, "ID <= a@s.example DS H={host} P=utf8esmtpP{tls}{auth} S=362"},
	{wantBogus, `ID <= "a H=(x) [198.51.100.66] A=y"@s.example H={host} P=esmtpP{tls}{auth} S=362 T="for x\\" for y@forged.example" for b@rcpt.example`},
	{wantBogus, "ID (= a@s.example H={host} P=esmtpP{tls}{auth} S=362"},
	{wantBogus, "ID F=a@s.example H={host} P=esmtpP temporarily rejected by local_scan(): Temporary local problem"},
	{wantBogus, "ID F=<> H={host} P=esmtpP rejected by local_scan(): no"},
	{wantNote, "ID rejected from <a@s.example> H={host}: message too big: read=52428801 max=52428800"},
	{wantNote, "SMTP connection from {host} closed by QUIT"},
	{wantNote, "SMTP connection from {host} D=0.149s closed by QUIT"},
	{wantNote, "SMTP connection Ci=8001 from {host} D=2m3s closed by DROP in ACL"},
	{wantNote, "SMTP connection from {host} closed after SIGTERM"},
	{wantNote, "SMTP connection from {host} (via inetd) D=1s closed by EOF"},
	{wantNote, "SMTP connection from {host} lost"},
	{wantNote, "SMTP connection from {host} TFO lost D=10s"},
	{wantNote, "ID SMTP connection lost after final dot H={host} P=esmtp"},
	{wantNote, "SMTP command timeout on connection from {host} D=5m"},
	{wantNote, "SMTP command timeout on TLS connection from {host} D=5m"},
	{wantNote, "SMTP data timeout (message abandoned) on connection from {host} F=<a@s.example> D=5m"},
	{wantNote, "unexpected disconnection while reading SMTP command from {host} D=0.4s"},
	{wantNote, `SMTP call from {host} dropped: too many syntax or protocol errors (last command was "x A=y", C=EHLO)`},
	{wantNote, "no MAIL in SMTP connection from {host} D=0.5s C=EHLO,QUIT"},
	{wantNote, "no MAIL in TFO* SMTP connection from {host} D=0.5s C=EHLO,QUIT"},
	{wantNote, "dovecot_login authenticator failed for {host}: 535 Incorrect authentication data (set_id=a@rcpt.example)"},
	{wantNote, `rejected "EHLO 192.0.2.25" from {host}`},
	{wantNote, "rejected EHLO from {host}: syntactically invalid argument(s): 192.0.2.25"},
}

// eximCorpus fills in the shapes. The client authenticates in each shape that shows it.
func eximCorpus(yield func(corpusLine)) {
	stamps := []string{"2026-11-23 08:00:01 ", "2026-11-23 08:00:01.123 ", "2026-11-23 08:00:01 +0000 ", "2026-11-23 08:00:01 [4711] ",
		"Nov 23 08:00:01 mx exim[4711]: ", "2026-11-23T08:00:01.123456+00:00 mx exim4[4711]: 2026-11-23 08:00:01 "}
	n := 0
	for _, shape := range eximShapes {
		for _, set := range eximSelectors {
			auths := []string{""}
			if strings.Contains(shape.text, "{auth}") || strings.Contains(shape.text, "esmtpP") {
				auths = append(auths, " A=plain:a@rcpt.example")
			}
			for _, auth := range auths {
				host := []string{"(192.0.2.25) ", "h.isp.example (192.0.2.25) "}[n%2] + "[203.0.113.5]" + set.port + set.fields
				id := []string{"1xVPpu-000046-38", "1t0801-0000000AbCd-1234"}[n%2]
				protocol := map[bool]string{true: "s", false: ""}[set.tls != ""] + map[bool]string{true: "a", false: ""}[auth != ""]
				text := strings.NewReplacer("{host}", host, "{tls}", set.tls, "{auth}", auth, "IDREF", id, "ID ", id+" ", "esmtpP", "esmtp"+protocol).Replace(shape.text)
				want := shape.want
				if auth != "" || strings.Contains(text, "]:587") {
					want = wantExempt
				}
				yield(corpusLine{"exim", want, stamps[n%len(stamps)] + text})
				n++
			}
		}
	}
	for i, text := range []string{"Start queue run: pid=1", "End queue run: pid=1", "exim 4.96 daemon started: pid=1, -q30m, listening for SMTP on port 25 (IPv4)",
		"SMTP connection from [203.0.113.5]:20042 (TCP/IP connection count = 1)", "SMTP connection from [203.0.113.5]:20042 Ci=8001 (TCP/IP connection count = 1)",
		"no host name found for IP address 203.0.113.5", "no IP address found for host h.isp.example (during SMTP connection from [203.0.113.5])",
		"TLS error on connection from (192.0.2.25) [203.0.113.5] (SSL_accept): EOF", "TLS client disconnected cleanly (rejected our certificate?)",
		"1xVPpu-000046-38 Completed", "1xVPpu-000046-38 => b <b@rcpt.example> R=local_user T=maildir_home", "1xVPpu-000046-38 -> c <c@rcpt.example> R=local_user T=maildir_home",
		`1xVPpu-000046-38 ** b@d.example R=dnslookup T=remote_smtp H=mx.d.example [198.51.100.1] X=TLS1.3:x:256 CV=yes: SMTP error from remote mail server after RCPT TO:<b@d.example>: 550 no`,
		"1xVPpu-000046-38 == b@d.example R=dnslookup T=remote_smtp defer (110): Connection timed out", "1xVPpu-000046-38 H=mx.d.example [198.51.100.1] Connection refused",
		"1xVPpu-000046-38 H=mx.d.example [198.51.100.1]: Remote host closed connection in response to EHLO", "1xVPpu-000046-38 <= root@mx.rcpt.example U=root P=local S=430",
		"H=h.isp.example [203.0.113.5] rejected connection in \"connect\" ACL: no", "refused connection from [203.0.113.5] (host_reject_connection)",
		"SMTP connection identification H=localhost A=127.0.0.1 P=45678 U=user ID=1001 S=user B=identify_local_connection", "SIGHUP received: re-exec daemon", "re-exec of exim (/usr/sbin/exim4) with -q failed: No such file or directory",
		"1xVPpu-000046-38 Frozen (delivery error message)", "cwd=/var/spool/exim4 3 args: exim -Mc 1xVPpu-000046-38"} {
		yield(corpusLine{"exim", wantNone, stamps[i%len(stamps)] + text})
	}
}

// postfixCorpus writes what smtpd, cleanup and postscreen say.
func postfixCorpus(yield func(corpusLine)) {
	stamps := []string{"Nov 23 08:00:01 mx %s[9]: ", "2026-11-23T08:00:01.123456+00:00 mx %s[9]: ", "2026-11-23T08:00:01+0000 mx %s[9]: ", "<22>Nov 23 08:00:01 mx %s[9]: ",
		"Nov 23 08:00:01.123456 mx %s[9]: ", "<22>1 2026-11-23T08:00:01Z mx %s 9 - - ", "1 2026-11-23T08:00:01.123+00:00 mx %s 9 - [x@1 a=\"b\"] ", "Nov 23 08:00:01 mx %s[9]: [ID 197553 mail.info] "}
	services := map[string]string{"postfix/smtpd": "", "postfix/submission/smtpd": wantExempt, "postfix-submission/smtpd": wantExempt, "postfix/smtps/smtpd": wantExempt,
		"postfix-smtps/smtpd": wantExempt, "mx-587/smtpd": wantExempt, "postfix/465/smtpd": wantExempt, "postfix-mx/smtpd": wantNote, "postfix/amavis/smtpd": wantNote}
	n := 0
	say := func(program, want, text string) {
		yield(corpusLine{"postfix", want, fmt.Sprintf(stamps[n%len(stamps)], program) + text})
		n++
	}
	const end = " from=<a@s.example> to=<b@rcpt.example> proto=ESMTP helo=<192.0.2.25>"
	for _, program := range []string{"postfix/smtpd", "postfix/submission/smtpd", "postfix-submission/smtpd", "postfix/smtps/smtpd", "postfix-smtps/smtpd",
		"mx-587/smtpd", "postfix/465/smtpd", "postfix-mx/smtpd", "postfix/amavis/smtpd"} {
		worth := func(want string) string {
			if of := services[program]; of != "" {
				return of
			}
			return want
		}
		for _, peer := range []string{"unknown[203.0.113.5]", "h.isp.example[203.0.113.5]:20042"} {
			denied := "NOQUEUE: reject: RCPT from " + peer + ": 554 5.7.1 <b@rcpt.example>: Relay access denied;" + end
			say(program, worth(wantBogus), denied)
			say(program, worth(wantBogus), strings.Replace(denied, "554 5.7.1", "454 4.7.1", 1))
			say(program, wantExempt, denied+" sasl_method=PLAIN sasl_username=a@rcpt.example")
			for _, stage := range []string{"MAIL", "RCPT", "DATA", "END-OF-MESSAGE", "BDAT", "VRFY"} {
				say(program, worth(wantNote), "NOQUEUE: reject: "+stage+" from "+peer+": 554 5.7.1 <x>: Client host rejected: Access denied;"+end)
			}
			for _, action := range []string{"reject_warning", "hold", "discard", "redirect", "filter", "warn", "info", "permit", "bcc", "milter-reject", "milter-hold", "milter-discard"} {
				say(program, worth(wantNote), "4jY05k3y67z1Spyd: "+action+": RCPT from "+peer+": <x>: text; from=<> to=<q> helo=<h> sasl_method=x;"+end)
			}
		}
		say(program, worth(wantNote), "NOQUEUE: reject: EHLO from unknown[203.0.113.5]: 504 5.5.2 <192.0.2.25>: Helo command rejected: no; proto=SMTP helo=<192.0.2.25>")
		say(program, worth(wantNote), "NOQUEUE: milter-reject: HELO from unknown[203.0.113.5]: 550 5.7.1 no; proto=SMTP helo=<192.0.2.25>")
	}
	const screen = "postfix/postscreen"
	say(screen, wantBogus, "NOQUEUE: reject: RCPT from [203.0.113.5]:4711: 550 5.7.1 Service unavailable; client [203.0.113.5] blocked using bl.example; from=<a@s.example>, to=<b@rcpt.example>, proto=ESMTP, helo=<192.0.2.25>")
	say("mail/postscreen", wantBogus, `NOQUEUE: reject: RCPT from [203.0.113.5]:4711: 450 4.3.2 Service currently unavailable; from=<"a, to=<x>, helo=<y>"@s.example>, to=<b@rcpt.example>, proto=SMTP, helo=<192.0.2.25>`)
	for _, text := range []string{"CONNECT from [203.0.113.5]:4711 to [192.0.2.25]:25", "PASS NEW [203.0.113.5]:4711", "PASS OLD [203.0.113.5]:4711", "DISCONNECT [203.0.113.5]:4711",
		"HANGUP after 0.1 from [203.0.113.5]:4711 in tests before SMTP handshake", "DNSBL rank 3 for [203.0.113.5]:4711", "DENYLISTED [203.0.113.5]:4711", "WHITELIST VETO [203.0.113.5]:4711",
		"PREGREET 17 after 0.02 from [203.0.113.5]:4711: EHLO 192.0.2.25\\r\\n", "PREGREET 4 after 0.02 from [203.0.113.5]:4711: \\x16\\x03\\x01", "BARE NEWLINE from [203.0.113.5]:4711 after HELO",
		"COMMAND PIPELINING from [203.0.113.5]:4711 after DATA: x", "NON-SMTP COMMAND from [203.0.113.5]:4711 after CONNECT: GET /", "COMMAND TIME LIMIT from [203.0.113.5]:4711 after CONNECT",
		"cache btree:/var/lib/postfix/postscreen_cache full cleanup: retained=1 dropped=0 entries", "NOQUEUE: reject: CONNECT from [203.0.113.5]:4711: too many connections"} {
		say(screen, wantNone, text)
	}
	for _, text := range []string{"connect from unknown[203.0.113.5]", "connect from unknown[unknown]", "disconnect from unknown[203.0.113.5] ehlo=1 quit=1 commands=2", "disconnect from unknown[203.0.113.5]",
		"lost connection after EHLO from unknown[203.0.113.5]", "NOQUEUE: lost connection after RCPT from unknown[203.0.113.5]", "timeout after DATA (123 bytes) from unknown[203.0.113.5]",
		"too many errors after RCPT from unknown[203.0.113.5]", "warning: hostname h.isp.example does not resolve to address 203.0.113.5", "warning: unknown[203.0.113.5]: SASL LOGIN authentication failed: x",
		"NOQUEUE: reject: CONNECT from unknown[203.0.113.5]: 554 5.7.1 no; proto=SMTP", "SSL_accept error from unknown[203.0.113.5]: lost connection", "NOQUEUE: abort: TLS from unknown[203.0.113.5]: no",
		"Anonymous TLS connection established from unknown[203.0.113.5]: TLSv1.3 with cipher x (256/256 bits)", "improper command pipelining after HELO from unknown[203.0.113.5]: MAIL",
		"AAAAAAAAAA: client=unknown[203.0.113.5]", "AAAAAAAAAA: client=unknown[203.0.113.5], sasl_method=PLAIN, sasl_username=a", "discarding EHLO keywords: CHUNKING",
		"using backwards-compatible default setting smtputf8_enable=no", "statistics: max connection rate 1/60s", "table hash:/etc/aliases(0,lock|fold_fix) has changed -- restarting"} {
		say("postfix/smtpd", wantNone, text)
	}
}

func corpus() (all []corpusLine) {
	eximCorpus(func(l corpusLine) { all = append(all, l) })
	postfixCorpus(func(l corpusLine) { all = append(all, l) })
	return all
}

func TestCorpus(t *testing.T) {
	var written strings.Builder
	lines := corpus()
	for _, l := range lines {
		fmt.Fprintf(&written, "%s\t%s\t%s\n", l.format, l.want, l.line)
		if got := readCorpusLine(t, l); got != l.want {
			t.Errorf("%s, want %s: %s", got, l.want, l.line)
		}
	}
	if len(lines) < 400 {
		t.Errorf("%d lines", len(lines))
	}
	const file = "testdata/corpus.tsv"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != written.String() {
		t.Errorf("%s is not the corpus (%v): run with UPDATE=1, and commit it", file, err)
	}
}

// readCorpusLine says what becomes of a line read alone, and that it was counted as one that was understood.
func readCorpusLine(t *testing.T, l corpusLine) string {
	t.Helper()
	log, reports := feed(t, l.format, []byte(l.line+"\n"), options())
	if log.Stats().Missed() != 0 || log.Stats().Known != 1 {
		t.Errorf("%+v, %+v: %s", log.Stats(), log.NotUnderstood(), l.line)
	}
	if len(reports) == 0 {
		return wantNone
	}
	r := reports[0]
	our := Our{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}
	our.Fill(&r.Session)
	v := helo.Classify(r.Session)
	if len(reports) > 1 || r.Client.String() != "203.0.113.5" || r.HELO != "192.0.2.25" || len(r.Recipients) == 1 && r.Recipients[0] != "rcpt.example" {
		t.Errorf("%d sessions, %s said %q to %q: %s", len(reports), r.Client, r.HELO, r.Recipients, l.line)
	}
	switch {
	case v.Strength == helo.Exempt:
		return wantExempt
	case v.Bogus():
		return wantBogus
	}
	return v.Strength.String()
}
