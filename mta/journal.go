package mta

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Journal reads what `journalctl -o json` writes, of Postfix and of Exim: an object a line, of
// which these fields are read:
//
//	MESSAGE                      text, or an array of octets where it is not UTF-8
//	SYSLOG_IDENTIFIER            the program
//	SYSLOG_PID, _PID             the process
//	_HOSTNAME
//	_SOURCE_REALTIME_TIMESTAMP   microseconds; else __REALTIME_TIMESTAMP
type Journal struct {
	*logReader
	postfix *Postfix
	exim    *Exim
	from    []byte // host, program and process of an entry
}

// NewJournal returns a reader that has read nothing.
func NewJournal(o LogOptions) *Journal {
	r := newLogReader(o)
	return &Journal{logReader: r, postfix: newPostfix(r), exim: newExim(r)}
}

// journalEntry is a line of the journal.
type journalEntry struct {
	Message    journalText `json:"MESSAGE"`
	Identifier journalText `json:"SYSLOG_IDENTIFIER"`
	SyslogPID  journalText `json:"SYSLOG_PID"`
	PID        journalText `json:"_PID"`
	Host       journalText `json:"_HOSTNAME"`
	Source     journalText `json:"_SOURCE_REALTIME_TIMESTAMP"`
	Received   journalText `json:"__REALTIME_TIMESTAMP"`
}

// journalText is a field's value: text, or octets.
type journalText []byte

// UnmarshalJSON reads either.
func (t *journalText) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*t = []byte(text)
		return nil
	}
	var octets []uint16
	if err := json.Unmarshal(data, &octets); err != nil {
		return err
	}
	for _, o := range octets {
		*t = append(*t, byte(o))
	}
	return nil
}

// scanEntry reads an entry as journalctl writes nearly all of a mail server's: "KEY":"VALUE" with
// nothing between, and no escapes. encoding/json, at ten times the time, decides about every other. If it
// returns false, e is untouched.
func scanEntry(line []byte, e *journalEntry) bool {
	rest, ok := bytes.CutPrefix(line, []byte("{"))
	if !ok || bytes.IndexByte(line, '\\') >= 0 {
		return false
	}
	found := journalEntry{}
	for more := true; more; {
		var key, value []byte
		if rest, ok = bytes.CutPrefix(rest, []byte(`"`)); !ok {
			return false
		}
		if key, rest, ok = bytes.Cut(rest, []byte(`"`)); !ok || !plainKey(key) {
			return false
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(`:"`)); !ok {
			return false
		}
		if value, rest, ok = bytes.Cut(rest, []byte(`"`)); !ok || !found.set(string(key), value) {
			return false
		}
		rest, more = bytes.CutPrefix(rest, []byte(","))
	}
	*e = found
	return string(rest) == "}"
}

// plainKey reports whether a key is of the capital letters, digits and underscores that a journal's are.
// encoding/json takes small letters for the same.
func plainKey(key []byte) bool {
	for _, c := range key {
		if c < '0' || c >= 'a' {
			return false
		}
	}
	return true
}

// set takes a field that is read, if its value is printable ASCII. Of one that stands twice the last
// counts, as in encoding/json.
func (e *journalEntry) set(key string, value journalText) bool {
	to := &e.Message
	switch key {
	case "MESSAGE":
	case "SYSLOG_IDENTIFIER":
		to = &e.Identifier
	case "SYSLOG_PID":
		to = &e.SyslogPID
	case "_PID":
		to = &e.PID
	case "_HOSTNAME":
		to = &e.Host
	case "_SOURCE_REALTIME_TIMESTAMP":
		to = &e.Source
	case "__REALTIME_TIMESTAMP":
		to = &e.Received
	default:
		return true
	}
	*to = value
	return !slices.ContainsFunc(value, func(c byte) bool { return c < ' ' || c > '~' })
}

// Line takes the next line.
func (j *Journal) Line(line []byte, emit func(Report)) {
	j.stats.Lines++
	var e journalEntry
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	if !scanEntry(line, &e) && json.Unmarshal(line, &e) != nil {
		j.malformed("a line that is no JSON object of the journal", line)
		return
	}
	stamp := e.Source
	if len(stamp) == 0 {
		stamp = e.Received
	}
	micros, err := strconv.ParseInt(string(stamp), 10, 64)
	if err != nil || micros <= 0 {
		j.malformed("an entry without a time", line)
		return
	}
	pid := e.SyslogPID
	if len(pid) == 0 {
		pid = e.PID
	}
	j.from = append(append(append(append(append(j.from[:0], e.Host...), ' '), e.Identifier...), '['), pid...)
	l := syslogLine{at: time.UnixMicro(micros).UTC(), host: e.Host, program: e.Identifier, pid: pid, from: j.from, text: e.Message}
	if bytes.HasPrefix(l.program, []byte("exim")) {
		j.exim.entry(l, e.Message, emit)
	} else {
		j.postfix.entry(l, e.Message, emit)
	}
}
