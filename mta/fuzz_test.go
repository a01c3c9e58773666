package mta

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// fuzzLog holds for any log: it is read to its end, alike whether fed at once or again, and every session has a client and an ID.
func fuzzLog(f *testing.F, format string, files ...string) {
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		lines := bytes.SplitAfter(raw, []byte("\n"))
		for i := 0; i < len(lines); i += 40 {
			f.Add(bytes.Join(lines[i:min(i+8, len(lines))], nil))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, stats := readBytes(t, format, raw, options())
		again, _ := readBytes(t, format, raw, options())
		if !reflect.DeepEqual(first, again) {
			t.Errorf("read again:\n%+v\n%+v", first, again)
		}
		if stats.Sessions != int64(len(first)) {
			t.Errorf("%d sessions, counted %+v", len(first), stats)
		}
		for _, r := range first {
			if !r.Client.IsValid() || r.Client.Is4In6() || r.Client.Zone() != "" || r.ID == "" || r.Receiver == "" || r.Time.Location() != time.UTC {
				t.Errorf("%+v", r)
			}
		}
	})
}

func FuzzPostfix(f *testing.F) {
	fuzzLog(f, "postfix", "postfix-default.log", "postfix-rbl.rfc3339.log")
}

func FuzzExim(f *testing.F) { fuzzLog(f, "exim", "exim-usual.log", "exim-syslog.rfc3339.log") }

// FuzzNDJSON: what the fast scanner reads, encoding/json reads alike.
func FuzzNDJSON(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte(`{"client":"203.0.113.7","helo":"","ptr":[]}`))
	f.Add([]byte(` { "id" : "1" , "rcpts" : [ ] , "auth" : false , "helo_addrs" : [ "" , "192.0.2.1" ] } `))
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast, slow Report
		if !scanReport(line, &fast) {
			return
		}
		if err := json.Unmarshal(line, &slow); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !reflect.DeepEqual(fast, slow) {
			t.Errorf("%q:\n%+v\n%+v", line, fast, slow)
		}
	})
}

// FuzzPolicy: any octets are read as requests until they end, in memory that does not grow with them.
func FuzzPolicy(f *testing.F) {
	raw, err := os.ReadFile("testdata/postfix-policy-requests.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw[:2000])
	f.Add([]byte(request() + request("client_port", "1", "instance", "1.2.3.0")))
	f.Add([]byte("\n\n\r\n=\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(raw), maxAttribute)
		var r policyRequest
		var s policySession
		for r.read(in) == nil {
			if s.take(&r) == sessionOther {
				s.end()
				s.begin(&r, "mx1", time.Unix(0, 0))
				if !s.report.Client.IsValid() || s.report.ID == "" || len(s.report.ID) > 128 {
					t.Errorf("%+v", s.report)
				}
			}
			for a, value := range r.values {
				if len(value) > maxAttribute {
					t.Errorf("attribute %d has %d octets", a, len(value))
				}
			}
			if len(s.report.Recipients) > maxRecipients {
				t.Error("too many recipients")
			}
		}
	})
}

// FuzzJournalEntry: what the scanner reads of an entry, encoding/json reads alike.
func FuzzJournalEntry(f *testing.F) {
	f.Add([]byte(`{"MESSAGE":"connect from unknown[203.0.113.7]","SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"1","_HOSTNAME":"mx","__REALTIME_TIMESTAMP":"1"}`))
	f.Add([]byte(`{"message":"x","_pid":"2","MESSAGE":"y","_MESSAGE":"}","X":""}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast, slow journalEntry
		if !scanEntry(line, &fast) {
			return
		}
		err := json.Unmarshal(line, &slow)
		if err != nil && bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' }) {
			return // in a field that is not read; a journal has none
		}
		if err != nil || fmt.Sprintf("%q", fast) != fmt.Sprintf("%q", slow) {
			t.Errorf("%q:\n%q\n%q, %v", line, fast, slow, err)
		}
	})
}
