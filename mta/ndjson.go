package mta

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"
)

// NDJSON reads one report a line, in the form of [Report]:
//
//	{"time":"2026-11-23T08:50:27Z","receiver":"mx1","id":"4711/1","client":"203.0.113.7","verb":"EHLO","helo":"192.0.2.25",
//	 "rcpts":["rcpt.example"],"rcpts_tried":2,"rcpts_unknown":1,"auth":false}
//
// Client is required, all else is optional and unknown keys are ignored. Without helo the client
// did not greet; without an ID the report has one made of its line; without a time it is of now. A
// line that is no JSON object, or has no client, is skipped.
type NDJSON struct{ *logReader }

// NewNDJSON returns a reader that has read nothing.
func NewNDJSON(o LogOptions) *NDJSON { return &NDJSON{newLogReader(o)} }

// Line takes the next line.
func (n *NDJSON) Line(line []byte, emit func(Report)) {
	n.stats.Lines++
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return
	}
	var r Report
	if !scanReport(line, &r) {
		r = Report{}
		if json.Unmarshal(line, &r) != nil {
			n.malformed("a line that is no JSON object of a session", line)
			return
		}
	}
	if !r.Client.IsValid() {
		n.malformed("a session without a client", line)
		return
	}
	n.stats.Known++
	n.complete(line, &r)
	n.stats.Sessions++
	emit(r)
}

// complete adds what a line may lack, and lets go of local parts.
func (n *NDJSON) complete(line []byte, r *Report) {
	if r.Time.IsZero() {
		r.Time = n.o.Now()
	}
	r.Time = r.Time.UTC()
	if r.Receiver == "" {
		r.Receiver = n.receiver(nil)
	}
	given := r.Recipients
	r.Recipients = nil
	for _, recipient := range given {
		if strings.IndexByte(recipient, '@') < 0 {
			recipient = "@" + recipient
		}
		r.addRecipient([]byte(recipient))
	}
	if r.Tried < 0 || r.Unknown < 0 {
		r.Tried, r.Unknown = 0, 0
	}
	if local, _, found := strings.Cut(r.Probe, "@"); !found || !isProbe([]byte(local)) {
		r.Probe = ""
	}
	if r.ID == "" {
		r.ID = "line/" + strconv.FormatUint(hashOf(line), 16)
	}
}

// hashOf is FNV-1a, by which what has no name of its own is known again.
func hashOf(text []byte) uint64 {
	hash := fnv.New64a()
	hash.Write(text)
	return hash.Sum64()
}
