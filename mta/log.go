package mta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// LogOptions are what a log does not say itself.
type LogOptions struct {
	Receiver string           // empty: the host name in each line, if there is one
	Now      func() time.Time // against which a time without a year is read; nil: time.Now
	Zone     *time.Location   // of times without one; nil: time.Local
	Sessions int              // most sessions that are followed at a time; 0: 10,000
	// Services says of names in a Postfix log (syslog_name) whether the service is for submission.
	// It comes before what the names themselves say.
	Services map[string]bool
	// Columns are the names of a table's columns, for csv.
	Columns []string
	// AssumeUnauthenticated is for a receiver that offers no AUTH: sessions are judged as if the
	// log showed that nobody had authenticated.
	AssumeUnauthenticated bool
	// Explain makes a Trace of every report, and reports sessions whose HELO is not in the log, too.
	Explain bool
}

// LogStats count what became of the lines of a log.
type LogStats struct {
	Lines     int64 // all
	Known     int64 // lines of the mail server in the log's format, understood or not
	Sessions  int64 // reported
	Unknown   int64 // sessions that ended without their HELO in the log; not reported
	Skipped   int64 // lines that are malformed
	Ambiguous int64 // lines that can be read in two ways, as forged ones can
	Overlong  int64 // lines longer than MaxLine
	Unread    int64 // lines of the mail server of a shape that the reader does not know, or did not read to the end
}

// Missed is how many lines were not understood.
func (s LogStats) Missed() int64 { return s.Skipped + s.Ambiguous + s.Overlong + s.Unread }

// MaxLine is the length of the longest line of a log that is read, in octets.
const MaxLine = 64 << 10

// Log turns the lines of one log into reports. It is not for concurrent use.
type Log interface {
	// Line takes the next line, without its end. It does not keep it.
	Line(line []byte, emit func(Report))
	// Overlong counts a line that is longer than MaxLine.
	Overlong()
	// Expire reports the sessions without a line for long before now. Line does so by the times in
	// the log; this is for a log that has fallen silent.
	Expire(now time.Time, emit func(Report))
	// Flush reports what is open.
	Flush(emit func(Report))
	// Oldest is the number of the first line, counted from 0, that an open session began with, or
	// of the line to come. A reader that starts again there gives the same IDs to what was open.
	Oldest() int64
	Stats() LogStats
	// NotUnderstood are the lines that the reader could make nothing of, by shape, the most
	// frequent first.
	NotUnderstood() []Shape
	// Trace is, while a report is emitted, what it was read from. Nil without Explain.
	Trace() *Trace
}

// Trace is what a report was read from, for people who want to see how a log is read.
type Trace struct {
	Service    string   // as the log names it; empty: it does not
	Auth       *bool    // nil: the log does not show it
	Submission *bool    // nil: the log does not show it
	NoHELO     bool     // the log does not have the HELO: the session is not reported otherwise
	Unread     bool     // a line was not read to its end
	Lines      []string // in printable ASCII; of long sessions the first
}

// formats are the logs that are read.
var formats = [...]struct {
	name string
	open func(LogOptions) Log
}{
	{"postfix", func(o LogOptions) Log { return NewPostfix(o) }},
	{"exim", func(o LogOptions) Log { return NewExim(o) }},
	{"haraka", func(o LogOptions) Log { return NewHaraka(o) }},
	{"journal", func(o LogOptions) Log { return NewJournal(o) }},
	{"opensmtpd", func(o LogOptions) Log { return NewOpenSMTPD(o) }},
	{"rspamd", func(o LogOptions) Log { return NewRspamd(o) }},
	{"csv", func(o LogOptions) Log { return NewCSV(o) }},
	{"ndjson", func(o LogOptions) Log { return NewNDJSON(o) }},
}

// Formats are the names of the formats that are read, as in a sentence.
func Formats() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// NewLog returns the reader for one of Formats.
func NewLog(format string, o LogOptions) (Log, error) {
	for _, f := range formats {
		if f.name == format && format == "csv" {
			if err := validColumns(o.Columns); err != nil {
				return nil, err
			}
		}
		if f.name == format {
			return f.open(o), nil
		}
	}
	if why := unreadableLogs[format]; why != "" {
		return nil, fmt.Errorf("the log of %s is not read: %s; write NDJSON, or use the way that `mta-config` prints", format, why)
	}
	return nil, fmt.Errorf("unknown log format %q: want %s", format, Formats())
}

// unreadableLogs are logs of other mail servers, and why no session can be read from them that
// accuses nobody wrongly.
var unreadableLogs = map[string]string{
	"sendmail":    "the HELO is not in it, unless LogLevel writes down every word; let Rspamd be its milter, and read the log of that",
	"qmail":       "the HELO is not in it",
	"exchange":    "its protocol log says what the client said, and not which address it came to",
	"dovecot":     "it is about reading mail",
	"spamd":       "neither the HELO nor the client is in it",
	"mailenable":  "its columns are a matter of configuration; name them: --format csv --columns",
	"hmailserver": "its columns are a matter of configuration; name them: --format csv --columns",
}

// GuessFormat is the format of a log that begins with head: the one that knows most of its lines,
// or none. The one that was given is it unless another knows more.
func GuessFormat(head []byte, given string) (format string) {
	known := func(open func(LogOptions) Log) int64 {
		log := open(LogOptions{})
		for line := range bytes.Lines(head) {
			log.Line(bytes.TrimRight(line, "\r\n"), func(Report) {})
		}
		return log.Stats().Known
	}
	most := int64(0)
	for _, f := range formats {
		if n := known(f.open); n > most || n == most && n > 0 && f.name == given {
			format, most = f.name, n
		}
	}
	return format
}

// logReader is what the readers of all formats have.
type logReader struct {
	o      LogOptions
	stats  LogStats
	stamps stamps
	unread unread
	trace  *Trace
	tables []*sessions // all that hold sessions which are open
}

func newLogReader(o LogOptions) *logReader {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Sessions <= 0 {
		o.Sessions = 10_000
	}
	return &logReader{o: o, stamps: stamps{now: o.Now, zone: o.Zone}}
}

// Stats are the counts so far.
func (r *logReader) Stats() LogStats { return r.stats }

// Trace is what the report that is being emitted was read from.
func (r *logReader) Trace() *Trace { return r.trace }

// NotUnderstood are the shapes of the lines that were not understood.
func (r *logReader) NotUnderstood() []Shape { return r.unread.sorted() }

// Expire reports the sessions that have been silent for long.
func (r *logReader) Expire(now time.Time, emit func(Report)) {
	for _, t := range r.tables {
		t.expire(now, emit)
	}
}

// Flush reports what is open.
func (r *logReader) Flush(emit func(Report)) {
	for _, t := range r.tables {
		t.flush(emit)
	}
}

// Oldest is the number of the line at which the oldest open session began.
func (r *logReader) Oldest() int64 {
	oldest := r.stats.Lines
	for _, t := range r.tables {
		oldest = min(oldest, t.oldest())
	}
	return oldest
}

// Overlong counts a line that was too long to be read.
func (r *logReader) Overlong() {
	r.stats.Lines++
	r.stats.Overlong++
	r.unread.add("a line of over 64 KiB", nil, nil)
}

// malformed counts a line that is not in the log's format.
func (r *logReader) malformed(shape string, line []byte) {
	r.stats.Skipped++
	r.unread.add(shape, nil, line)
}

// missed counts a line of the mail server that was not understood. An empty shape is made of text.
func (r *logReader) missed(shape string, text, line []byte) {
	r.stats.Unread++
	r.unread.add(shape, text, line)
}

// receiver is the name of the mail server whose line names host.
func (r *logReader) receiver(host []byte) string {
	if r.o.Receiver != "" {
		return r.o.Receiver
	}
	return string(host)
}

// Read feeds all of r to log and reports what is open at its end. An error of emit ends it and is
// returned.
func Read(r io.Reader, log Log, emit func(Report) error) (LogStats, error) {
	stats, err := ReadOpen(r, log, emit)
	if err != nil {
		return stats, err
	}
	var failed error
	log.Flush(func(report Report) {
		if failed == nil {
			failed = emit(report)
		}
	})
	return log.Stats(), failed
}

// ReadOpen feeds all of r to log, and leaves open what is open at its end: for a log of several
// files, read in their order.
func ReadOpen(r io.Reader, log Log, emit func(Report) error) (LogStats, error) {
	var failed error
	each := func(report Report) {
		if failed == nil {
			failed = emit(report)
		}
	}
	lines := newLines(r, log.Overlong)
	for failed == nil {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			if rest := lines.rest(); len(rest) > 0 {
				log.Line(rest, each)
			}
			break
		}
		if err != nil {
			return log.Stats(), fmt.Errorf("reading log: %w", err)
		}
		log.Line(line, each)
	}
	return log.Stats(), failed
}
