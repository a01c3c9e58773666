package mta

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// LogOptions are what a log does not say itself.
type LogOptions struct {
	Receiver string           // empty: the host name in each line, if there is one
	Now      func() time.Time // against which a time without a year is read; nil: time.Now
	Zone     *time.Location   // of times without one; nil: time.Local
	Sessions int              // most sessions that are followed at a time; 0: 10,000
}

// LogStats count what became of the lines of a log.
type LogStats struct {
	Lines     int64 // all
	Sessions  int64 // reported
	Unknown   int64 // sessions that ended without their HELO in the log; not reported
	Skipped   int64 // lines that are malformed
	Ambiguous int64 // lines that can be read in two ways, as forged ones can
	Overlong  int64 // lines longer than MaxLine
}

// MaxLine is the length of the longest line of a log that is read, in octets.
const MaxLine = 64 << 10

// Log turns the lines of one log into reports. It is not for concurrent use.
type Log interface {
	// Line takes the next line, without its end. It does not keep it.
	Line(line []byte, emit func(Report))
	// Overlong counts a line that is longer than MaxLine.
	Overlong()
	// Expire reports the sessions without a line for long before now. Line does so by the times in the log; this is
	// for a log that has fallen silent.
	Expire(now time.Time, emit func(Report))
	// Flush reports what is open.
	Flush(emit func(Report))
	// Oldest is the number of the first line, counted from 0, that an open session began with, or of the line to come. A reader
	// that starts again there gives the same IDs to what was open.
	Oldest() int64
	Stats() LogStats
}

// NewLog returns the reader for a format: postfix, exim or ndjson.
func NewLog(format string, o LogOptions) (Log, error) {
	switch format {
	case "postfix":
		return NewPostfix(o), nil
	case "exim":
		return NewExim(o), nil
	case "ndjson":
		return NewNDJSON(o), nil
	}
	return nil, fmt.Errorf("unknown log format %q: want postfix, exim or ndjson", format)
}

// logReader is what the readers of all formats have.
type logReader struct {
	o      LogOptions
	stats  LogStats
	stamps stamps
}

func newLogReader(o LogOptions) logReader {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Sessions <= 0 {
		o.Sessions = 10_000
	}
	return logReader{o: o, stamps: stamps{now: o.Now, zone: o.Zone}}
}

// Stats are the counts so far.
func (r *logReader) Stats() LogStats { return r.stats }

// Overlong counts a line that was too long to be read.
func (r *logReader) Overlong() {
	r.stats.Lines++
	r.stats.Overlong++
}

// receiver is the name of the mail server whose line names host.
func (r *logReader) receiver(host []byte) string {
	if r.o.Receiver != "" {
		return r.o.Receiver
	}
	return string(host)
}

// Read feeds all of r to log and reports what is open at its end. An error of emit ends it and is returned.
func Read(r io.Reader, log Log, emit func(Report) error) (LogStats, error) {
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
	log.Flush(each)
	return log.Stats(), failed
}
