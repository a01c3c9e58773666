package mta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchmarkLog reads a log again and again, as if it were one.
func benchmarkLog(b *testing.B, format string, raw []byte) {
	o := options()
	if format == "csv" {
		o.Columns = []string{"time", "client", "helo", "rcpt", "auth", "verb", "port"}
	}
	log, err := NewLog(format, o)
	if err != nil {
		b.Fatal(err)
	}
	count := bytes.Count(raw, []byte("\n"))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(raw), log, func(Report) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "lines/s")
}

func fixture(b *testing.B, file string) []byte {
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func BenchmarkPostfixLog(b *testing.B) {
	for _, file := range []string{"postfix-default.log", "postfix-rbl.rfc3339.log"} {
		b.Run(file, func(b *testing.B) { benchmarkLog(b, "postfix", fixture(b, file)) })
	}
}

func BenchmarkEximLog(b *testing.B) {
	for _, file := range []string{"exim-usual.log", "exim-syslog.rfc3339.log"} {
		b.Run(file, func(b *testing.B) { benchmarkLog(b, "exim", fixture(b, file)) })
	}
}

func BenchmarkNDJSONLog(b *testing.B) {
	reports, _ := readAll(b, "postfix", "postfix-default.log", options())
	var raw []byte
	for _, r := range reports {
		line, err := json.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		raw = append(append(raw, line...), '\n')
	}
	benchmarkLog(b, "ndjson", raw)
}

// BenchmarkOtherLogs: sessions of the other formats, in the lines that the programs write.
func BenchmarkOtherLogs(b *testing.B) {
	journal := func(pid int, text string) string {
		return fmt.Sprintf(`{"SYSLOG_PID":"%d","_SOURCE_REALTIME_TIMESTAMP":"1763884800564388","_BOOT_ID":"8a16ec23dbb148b39e96b74b29ab4ab2","_EXE":"/usr/lib/postfix/sbin/smtpd",`+
			`"_TRANSPORT":"syslog","SYSLOG_FACILITY":"2","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"%d","__REALTIME_TIMESTAMP":"1763884800573845","MESSAGE":%q,`+
			`"_RUNTIME_SCOPE":"system","_MACHINE_ID":"3d1219c7c4c5404aaa1f6d2a48adfda4","__MONOTONIC_TIMESTAMP":"15956560133","PRIORITY":"6","_COMM":"smtpd","_GID":"0",`+
			`"__CURSOR":"s=69fd6a58303e4c69989eb6c7a8030919;i=3;b=8a16ec23dbb148b39e96b74b29ab4ab2;m=3b715c905;t=66161dbdb6295;x=c1fa30ebed0b4a3a","_UID":"101"}`, pid, pid, text)
	}
	for format, lines := range map[string]func(n int) []string{
		"journal": func(n int) []string {
			var all []string
			for _, text := range []string{connect, reject, "disconnect from unknown[203.0.113.7] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"} {
				all = append(all, journal(100+n%40, text))
			}
			return all
		},
		"haraka": func(n int) []string {
			head := fmt.Sprintf("2026-11-23T08:00:00.000Z [NOTICE] [ABCDEF01-%d", n)
			return []string{head + "] [core] connect ip=203.0.113.7 port=1 local_ip=192.0.2.25 local_port=25",
				head + ".1] [core] recipient <b@rcpt.example> code=DENY msg=\"x\" sender=a@sender.example",
				head + ".1] [core] disconnect ip=203.0.113.7 rdns=x helo=h.example relay=N early=N esmtp=Y tls=N pipe=N errors=0 txns=1 rcpts=0/0/1 msgs=0/0/0 bytes=0 lr=\"\" time=1"}
		},
		"opensmtpd": func(n int) []string {
			id := fmt.Sprintf("7641df97%08x", n)
			return []string{smtpdEvent("link-connect|" + id + "|mail.sender.example|pass|203.0.113.7:33174|192.0.2.25:25"), smtpdEvent("link-identify|" + id + "|EHLO|h.example"),
				smtpdEvent("tx-mail|" + id + "|5d2e3c|ok|a@sender.example"), smtpdEvent("tx-rcpt|" + id + "|5d2e3c|permfail|b@rcpt.example"), smtpdEvent("link-disconnect|" + id)}
		},
		"rspamd": func(n int) []string {
			return []string{fmt.Sprintf("2026-11-23 08:00:00 #23536(normal) <472278>; task; rspamd_task_write_log: dnsbld ip=203.0.113.%d auth=no helo=682e6578616d706c65 rcpts=726370742e6578616d706c65 id: <x> F (no action): [1/15] [] time: 1ms", n%200)}
		},
		"csv": func(n int) []string {
			return []string{fmt.Sprintf("2026-11-23 08:00:00,203.0.113.7,host-%d.example,b@rcpt.example,,EHLO,25", n)}
		},
	} {
		b.Run(format, func(b *testing.B) {
			var raw []byte
			for n := range 2000 {
				raw = append(append(raw, strings.Join(lines(n), "\n")...), '\n')
			}
			benchmarkLog(b, format, raw)
		})
	}
}
