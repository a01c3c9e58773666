package mta

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dnsbld/listing/helo"
)

// TestHarakaAsNDJSON: what Haraka's log holds of a session fits a line of NDJSON, and is judged like what the other mail servers
// saw of the same sessions. (blctl mta-config haraka brings a plugin that writes such lines.)
func TestHarakaAsNDJSON(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "haraka-logfmt.log"))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("198.18.66."), []byte("203.0.113.")) // it takes documentation addresses for private ones
	recipients := map[string]string{}
	for _, m := range regexp.MustCompile(`uuid=(\S+)\.1 .*message="recipient <(?:[^>]*@)([^@>]*)>"`).FindAllSubmatch(raw, -1) {
		recipients[string(m[1])] = string(m[2])
	}
	var lines bytes.Buffer
	greeted := 0
	for _, m := range regexp.MustCompile(`uuid=([^. ]+)\S* .*message=disconnect ip=(\S+) rdns=\S* helo=("[^"]*"|\S*) `).FindAllSubmatch(raw, -1) {
		id, said := string(m[1]), strings.Trim(string(m[3]), `"`)
		if said == "" {
			continue
		}
		greeted++
		if err := json.NewEncoder(&lines).Encode(map[string]any{"id": id, "client": string(m[2]), "verb": "EHLO", "helo": said, "rcpts": []string{recipients[id]},
			"our_ips": []string{"192.0.2.25", "2001:db8:25::25"}, "helo_dns": "nxdomain"}); err != nil {
			t.Fatal(err)
		}
	}
	reports, stats := readBytes(t, "ndjson", lines.Bytes(), options())
	if greeted < 30 || len(reports) != greeted || stats.Skipped != 0 {
		t.Fatalf("%d sessions of %d: %+v", len(reports), greeted, stats)
	}
	kinds := map[string]map[helo.Code]bool{
		"own-ip":      {helo.CodeBareIP: true, helo.CodeOKLiteral: true, helo.CodeMalformed: true},
		"server-ip":   {helo.CodeOurIP: true},
		"rcpt-domain": {helo.CodeRcptDomain: true},
	}
	known := map[logCase]string{}
	for name, c := range logCases(t) {
		first, _, _ := strings.Cut(c.helo, " ") // Haraka keeps the first word
		known[logCase{c.client, first}] = logKinds(t)[name]
	}
	judged := map[string]int{}
	for _, r := range reports {
		kind, found := known[logCase{r.Client.String(), r.HELO}]
		if !found {
			continue // raw octets that JSON cannot hold
		}
		judged[kind]++
		code := helo.Classify(r.Session).Code
		if want := kinds[kind]; want != nil && !want[code] || want == nil && (code == helo.CodeOurIP || code == helo.CodeRcptDomain) {
			t.Errorf("%s %q (%s): %s", r.Client, r.HELO, kind, code)
		}
	}
	if judged["own-ip"] < 5 || judged["server-ip"] < 4 || judged["rcpt-domain"] < 1 || judged["none"] < 5 {
		t.Errorf("kinds: %v", judged)
	}
}

// logKinds reads what kind each case is.
func logKinds(t testing.TB) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		f := strings.Split(line, "\t")
		kinds[f[0]] = f[3]
	}
	return kinds
}

// TestHaraka: the log itself, in logfmt and in the default form, has the same sessions, each with its HELO; none had authenticated.
func TestHaraka(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "haraka-logfmt.log"))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("198.18.66."), []byte("203.0.113."))
	usual := regexp.MustCompile(`level=(\S+) uuid=(\S+) origin=(\S+) message=(?:"([^"]*)"|(\S+))`).ReplaceAll(raw, []byte("[$1] [$2] [$3] $4$5"))
	want := map[string]bool{}
	for _, c := range logCases(t) {
		first, _, _ := strings.Cut(c.helo, " ")
		want[c.client+" "+first] = true
	}
	for name, text := range map[string][]byte{"logfmt": raw, "default": usual} {
		reports, stats := readBytes(t, "haraka", text, options())
		if len(reports) < 30 || stats.Missed() != 0 {
			t.Errorf("%s: %d sessions, %+v", name, len(reports), stats)
		}
		known := 0
		for _, r := range reports {
			if want[r.Client.String()+" "+r.HELO] {
				known++
			}
			if r.Auth || r.Submission || r.Unproven || r.Verb != helo.VerbEHLO || len(r.OurIPs) != 1 || len(r.Recipients) > 1 {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if known < len(reports)-6 { // HELOs with octets that Haraka writes otherwise
			t.Errorf("%s: %d of %d are as they were said", name, known, len(reports))
		}
	}
}

// TestHarakaLines: who may relay has authenticated, and a port that nobody names proves nothing.
func TestHarakaLines(t *testing.T) {
	line := func(relay, port string) []string {
		return []string{"2026-11-23T08:00:00.000Z [NOTICE] [ABCDEF01-0000] [core] connect ip=203.0.113.7 port=1 local_ip=192.0.2.25 local_port=" + port,
			"2026-11-23T08:00:01.000Z [NOTICE] [ABCDEF01-0000.1] [core] recipient <b@rcpt.example> code=DENY msg=\"x\" sender=a@sender.example",
			"2026-11-23T08:00:01.000Z [NOTICE] [ABCDEF01-0000.1] [core] disconnect ip=203.0.113.7 rdns=x helo=h.example relay=" + relay + " early=N esmtp=Y tls=N"}
	}
	checkLog(t, "haraka", line("N", "25"), plain)
	checkLog(t, "haraka", line("Y", "25"), plain+" auth")
	checkLog(t, "haraka", line("N", "587"), plain+" submission")
	for port, unproven := range map[string]bool{"25": false, "2525": true} {
		if reports, _ := readBytes(t, "haraka", []byte(strings.Join(line("N", port), "\n")), options()); len(reports) != 1 || reports[0].Unproven != unproven {
			t.Errorf("port %s: %+v", port, reports)
		}
	}
}
