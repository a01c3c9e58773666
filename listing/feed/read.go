package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
)

// Options say how a file is to be read. Their zero value reads a plain file
// whose entries need a Reason.
type Options struct {
	Format  string           // one of Formats; empty: plain
	Reasons *listing.Reasons // the catalogue that the file's own names are looked up in
	Reason  listing.Reason   // of entries whose line names none

	// Map gives reasons of ours to what the file names: an address value
	// ("127.0.0.3"), or a word of a reason column. Address values that are not
	// in it are Reason, for a file's numbers are its own; without Reason they
	// are taken for numbers of the catalogue, as in this list's own exports.
	Map map[string]listing.Reason

	// Now is what a file's own time is held against; zero: it is not.
	Now time.Time

	// Bad is called for every line that cannot be read. If it returns nil the
	// line is left out, otherwise the reading ends with what it returns. If it
	// is nil the first bad line ends the reading.
	Bad func(BadLine) error

	// Column is the name, or for CSV the number from 1, of the column or key of
	// the addresses; empty: it has one of the usual names.
	Column string

	// DefaultTexts keeps the TXT of rbldnsd's default lines as the own text of
	// each entry they stand for. Otherwise such a text gives way to that of
	// the entry's reason: it says the same of all, and entries without a text
	// of their own are served from a tenth of the memory.
	DefaultTexts bool

	warn func(format string, args ...any) // of what was left out
}

// BadLine is a line that cannot be read.
type BadLine struct {
	Line int    // from 1
	Text string // its beginning, quoted, fit to be shown
	Err  error  // for a person
}

// parser reads the lines of one format. The items are good until the next
// call.
type parser interface {
	line(text []byte) ([]item, error)
	end() ([]item, error) // of what was held back; called until there is none
}

// lineParser reads a format whose lines stand alone.
type lineParser func(text []byte) ([]item, error)

func (read lineParser) line(text []byte) ([]item, error) { return read(text) }
func (lineParser) end() ([]item, error)                  { return nil, nil }

// item is what a line says.
type item struct {
	subject listing.Subject
	reason  listing.Reason
	except  bool
	until   time.Time
	public  string
	note    string
	at      int // the line, if it is not the one read last
}

// fatal is an error that ends the reading, whatever Bad says.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// late is an error about a line that was held back.
type late struct {
	error
	line int
	text string // what it named
}

func (l late) Unwrap() error { return l.error }

// readers are the formats that can be read.
var readers = map[string]func(*Options) parser{
	"plain":  newPlain,
	"csv":    newCSV,
	"ndjson": newNDJSON,
}

// Formats are the formats that Read knows, the simplest first.
func Formats() []string {
	return append([]string{"plain", "csv", "ndjson"}, rbldnsdFormats()...)
}

// Reader reads a file once. It is not for concurrent use.
type Reader struct {
	options Options
	in      *lines
	parser  parser
	at      int // line of the entry last yielded
	binary  int // bad lines that are not text
	warned  []string
}

// Read begins to read a file, which may be compressed with gzip.
func Read(r io.Reader, o Options) (*Reader, error) {
	begin, known := readers[o.Format]
	switch {
	case o.Format == "":
		begin = newPlain
	case strings.HasPrefix(o.Format, "rbldnsd:") && slices.Contains(rbldnsdFormats(), o.Format):
		begin = newRbldnsd
	case !known:
		return nil, unknownFormat(o.Format, Formats())
	}
	text, err := unpack(r)
	if err != nil {
		return nil, err
	}
	reader := &Reader{options: o, in: newLines(text)}
	reader.options.warn = reader.warn
	if o.Format == "ndjson" {
		reader.in.array()
	}
	reader.parser = begin(&reader.options)
	return reader, nil
}

func unknownFormat(format string, known []string) error {
	hint := "it is one of " + strings.Join(known, ", ")
	if format == "rbldnsd" {
		hint = "say which type of data set the file is: " + strings.Join(rbldnsdFormats(), ", ")
	}
	return &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-format",
		Message: listing.Quote(format) + " is not a format that can be used here", Hint: hint}
}

// Line is the line of the entry last yielded.
func (r *Reader) Line() int { return r.at }

// Entries yields what the file lists: subject, reason, whether it is an
// exception, until when (zero: as its source), note and public note. It can be
// used once. An error is the last thing it yields.
func (r *Reader) Entries() iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for {
			text, tooLong, err := r.in.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(listing.Entry{}, explain(err, r.in.read))
				return
			}
			more, err := r.line(text, tooLong, yield)
			if err != nil {
				yield(listing.Entry{}, err)
				return
			}
			if !more {
				return
			}
		}
		r.rest(yield)
	}
}

func (r *Reader) line(text []byte, tooLong bool, yield func(listing.Entry, error) bool) (more bool, err error) {
	var items []item
	switch {
	case tooLong:
		err = complain("line-too-long", "write one entry a line", "the line is longer than %d octets", MaxLine)
	case r.in.cut && says(text) && strings.HasPrefix(r.options.Format, "rbldnsd:"):
		err = complain("cut-last-line", "fetch it again; if it is whole, end it with a newline", "%s", cutLine)
	default:
		if r.in.cut && says(text) {
			r.warn("%s", cutLine)
		}
		items, err = r.parser.line(text)
	}
	if err != nil {
		return true, r.bad(text, err)
	}
	return r.yield(items, yield), nil
}

// cutLine is said of a last line that has no end. Half an address may be read
// as another one, and in rbldnsd's formats as a network.
const cutLine = "the last line has no newline: the file may have been cut inside it"

// says reports whether a line is more than blanks or a comment.
func says(text []byte) bool {
	text = bytes.TrimLeft(text, " \t")
	return len(text) > 0 && text[0] != '#' && text[0] != ';'
}

// Warnings are what the reading left out or was in doubt of, with line numbers:
// the first few.
func (r *Reader) Warnings() []string { return r.warned }

func (r *Reader) warn(format string, args ...any) {
	const most = 5
	if len(r.warned) < most {
		r.warned = append(r.warned, fmt.Sprintf("line %d: ", r.in.read)+fmt.Sprintf(format, args...))
	}
}

// rest yields what the parser held back until the end of the file.
func (r *Reader) rest(yield func(listing.Entry, error) bool) {
	for {
		items, err := r.parser.end()
		if err != nil {
			if err = r.bad(nil, err); err != nil {
				yield(listing.Entry{}, err)
				return
			}
			continue
		}
		if len(items) == 0 || !r.yield(items, yield) {
			return
		}
	}
}

func (r *Reader) yield(items []item, yield func(listing.Entry, error) bool) bool {
	for n := range items {
		i := &items[n]
		r.at = r.in.read
		if i.at != 0 {
			r.at = i.at
		}
		if !yield(listing.Entry{Key: listing.Key{Subject: i.subject, Reason: i.reason}, Except: i.except,
			Until: i.until, PublicNote: i.public, Note: i.note}, nil) {
			return false
		}
	}
	return true
}

// bad tells of a line that cannot be read, and returns what ends the reading.
func (r *Reader) bad(text []byte, err error) error {
	var end fatal
	if errors.As(err, &end) {
		return end.error
	}
	const mostBinary = 3
	if isBinary(text) {
		if r.binary++; r.binary == mostBinary {
			return &listing.Error{Kind: listing.ErrInvalid, Code: "not-text",
				Message: fmt.Sprintf("the file is not text: line %d and others before it hold control characters", r.in.read),
				Hint:    "look at it with `file FILE`; of compressed files, gzip alone is read as it is"}
		}
	}
	r.at = r.in.read
	var before late
	if errors.As(err, &before) {
		r.at, text, err = before.line, []byte(before.text), before.error
	}
	line := BadLine{Line: r.at, Text: listing.Quote(string(text[:min(len(text), 100)])), Err: err}
	if r.options.Bad != nil {
		return r.options.Bad(line)
	}
	var why *listing.Error
	if !errors.As(err, &why) {
		why = &listing.Error{Kind: listing.ErrInvalid, Code: "bad-line", Message: err.Error()}
	}
	first := *why
	first.Message = fmt.Sprintf("line %d: %s", line.Line, why.Message)
	return &first
}

func isBinary(text []byte) bool {
	return bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\r' })
}

func complain(code, hint, format string, args ...any) error {
	return &listing.Error{Kind: listing.ErrInvalid, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}
