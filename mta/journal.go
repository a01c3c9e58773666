package mta

import (
	"bytes"
	"encoding/json"
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
}

// NewJournal returns a reader that has read nothing.
func NewJournal(o LogOptions) *Journal {
	r := newLogReader(o)
	return &Journal{logReader: r, postfix: newPostfix(r), exim: newExim(r)}
}

// journalEntry is a line of the journal.
type journalEntry struct {
	Message    journalText `json:"MESSAGE"`
	Identifier string      `json:"SYSLOG_IDENTIFIER"`
	SyslogPID  string      `json:"SYSLOG_PID"`
	PID        string      `json:"_PID"`
	Host       string      `json:"_HOSTNAME"`
	Source     string      `json:"_SOURCE_REALTIME_TIMESTAMP"`
	Received   string      `json:"__REALTIME_TIMESTAMP"`
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

// Line takes the next line.
func (j *Journal) Line(line []byte, emit func(Report)) {
	j.stats.Lines++
	var e journalEntry
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	if json.Unmarshal(line, &e) != nil {
		j.malformed("a line that is no JSON object of the journal", line)
		return
	}
	stamp := e.Source
	if stamp == "" {
		stamp = e.Received
	}
	micros, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || micros <= 0 {
		j.malformed("an entry without a time", line)
		return
	}
	pid := e.SyslogPID
	if pid == "" {
		pid = e.PID
	}
	l := syslogLine{at: time.UnixMicro(micros).UTC(), host: []byte(e.Host), program: []byte(e.Identifier), pid: []byte(pid),
		from: []byte(e.Host + " " + e.Identifier + "[" + pid + "]"), text: e.Message}
	if bytes.HasPrefix(l.program, []byte("exim")) {
		j.exim.entry(l, e.Message, emit)
	} else {
		j.postfix.entry(l, e.Message, emit)
	}
}
