package mta

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/costtest"
	"dnsbld/listing/helo"
)

// begun are the beginnings of lines behind which a stranger's words stand.
var begun = map[string][]string{
	"postfix": {
		"Nov 23 08:50:32 mx postfix/smtpd[577]: connect from ",
		"Nov 23 08:50:32 mx postfix/smtpd[577]: NOQUEUE: reject: RCPT from x.example[203.0.113.10]: 550 5.1.1 <",
		"Nov 23 08:50:32 mx postfix/smtpd[577]: NOQUEUE: reject: RCPT from x.example[203.0.113.10]: 550 5.1.1 x; from=<a> to=<b> proto=ESMTP helo=<",
		"Nov 23 08:50:32 mx postfix/postscreen[577]: NOQUEUE: reject: RCPT from [203.0.113.10]:4711: 550 5.7.1 x; from=<",
		"Nov 23 08:50:32 mx postfix/smtpd[577]: ",
	},
	"exim": {
		"2026-11-23 08:56:05 ",
		"2026-11-23 08:56:05 H=(",
		"2026-11-23 08:56:05 H=x.example (y) [203.0.113.10] F=<",
		"2026-11-23 08:56:05 1tEn2B-00000A-0q <= a@b.example H=(x) [203.0.113.10] P=esmtp S=1 T=\"",
		"2026-11-23 08:56:05 no host name found for IP address ",
	},
	"haraka":    {"2026-11-23T08:57:51.762Z level=INFO uuid=A.1 origin=queue message=\"", "2026-11-23T08:57:51.762Z level=NOTICE uuid=A origin=core "},
	"journal":   {"{\"MESSAGE\":\"connect from ", "{", "{\"X\":[", "{\"MESSAGE\":["},
	"opensmtpd": {"report|0.7|1763884800.568165|smtp-in|link-connect|1|", "report|0.7|1763884800.568165|smtp-in|link-identify|1|EHLO|"},
	"rspamd":    {"2026-11-23 08:00:00 #2(normal) <4>; task; rspamd_task_write_log: dnsbld ip=203.0.113.7 auth=no helo=", "2026-11-23 08:00:00 #2(normal) <"},
	"csv":       {"", "2026-11-23 08:00:00,203.0.113.7,"},
	"ndjson":    {"{\"client\":\"203.0.113.7\",\"helo\":\"", "{\"rcpts\":[", "{", "{\"x\":"},
}

// pieces are what makes readers look again at what they have read: quotes that do
// not end, brackets within brackets, fields that begin again and again.
var pieces = []string{"x", " ", "\"", "\\", "\\\"", "(", ")", "[", "]", "<", ">", "=", ",", ";", ":", "|", "{", "[[", "\"\",", "\"a\":", "\\u0000",
	"[203.0.113.7] ", "H=(a) [203.0.113.7] ", "\") [\"", " helo=<", " from=<a> to=<b>", "a.", "\xff", "x@y,", "message=\"", " P=", "; "}

// A line costs as much as it is long, whatever a stranger puts into it.
func TestLineCost(t *testing.T) {
	for _, f := range formats {
		if len(begun[f.name]) == 0 {
			t.Errorf("the cost of %s is not known: give it lines that begin", f.name)
		}
		for _, before := range begun[f.name] {
			for _, piece := range pieces {
				costtest.Linear(t, MaxLine-2000, before, piece, "\n", reading(t, f.name))
			}
		}
	}
}

// reading reads a log, to show how it was read.
func reading(t *testing.T, format string) func([]byte) {
	o := options()
	o.Explain, o.Columns = true, []string{"time", "client", "helo", "rcpt", "auth", "port"}
	return func(raw []byte) { readBytes(t, format, raw, o) }
}

// A log costs as much as it is long.
func TestLogCost(t *testing.T) {
	for format, file := range map[string]string{"postfix": "postfix-default.log", "exim": "exim-usual.log", "haraka": "haraka-logfmt.log"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		costtest.Linear(t, 16*len(raw), "", string(raw), "", reading(t, format))
	}
	for _, line := range []string{"\n", "x\n", "Nov 23 08:50:32 mx postfix/smtpd[577]: connect from x[203.0.113.10]\n", fullLine + "\n"} {
		for _, format := range []string{"postfix", "ndjson", "journal"} {
			costtest.Linear(t, 256<<10, "", line, "", reading(t, format))
		}
	}
}

// So do the requests of the policy protocol, and sessions with many recipients.
func TestPolicyCost(t *testing.T) {
	for _, piece := range []string{"x", "=", "\n", "=\n", "x\n", "recipient=", "recipient=a@b.example\n", "\r\n", request(), request("instance", "1", "recipient", "")} {
		costtest.Linear(t, 256<<10, "", piece, "\n\n", func(raw []byte) {
			in := bufio.NewReaderSize(bytes.NewReader(raw), maxAttribute)
			var r policyRequest
			var s policySession
			for r.read(in) == nil {
				if s.take(&r) == sessionOther {
					s.end()
					s.begin(&r, "mx1", time.Unix(0, 0))
				}
			}
		})
	}
}

// A session is judged in one pass, and shown in one.
func TestClassifyCost(t *testing.T) {
	for _, piece := range append(pieces, "1.", "192.0.2.7", "192-0-2-7-", "::", "a-", "ü", "xn--a.") {
		costtest.Linear(t, 32<<10, "", piece, "", func(raw []byte) {
			client, _ := parseClient([]byte("203.0.113.7"))
			helo.Classify(helo.Session{Client: client, HELO: string(raw), Recipients: []string{"a@" + string(raw)}, PTR: []string{string(raw)},
				OurNames: []string{"mx.example"}, Hosted: []string{"example"}})
			helo.Escape(string(raw), 200)
		})
	}
}
