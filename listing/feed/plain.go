package feed

import (
	"bytes"
	"errors"

	"dnsbld/listing"
)

// plain is one address, prefix or range a line, as extent reads it:
//
//	# a comment; ; and // begin one too
//	192.0.2.7
//	198.51.100.0/24   whatever else follows white space is ignored
//	!198.51.100.9     an exception
//
// The first line may name columns, the address first.
type plain struct {
	options  *Options
	started  bool
	subjects []listing.Subject
	items    []item
}

func newPlain(o *Options) parser { return lineParser((&plain{options: o}).read) }

func (p *plain) read(text []byte) ([]item, error) {
	word, except, rest := address(text)
	if len(word) == 0 {
		return nil, nil
	}
	header := !p.started && fieldNames[plainName(string(word[:min(len(word), 20)]))] == addressField
	if p.started = true; header {
		return nil, nil
	}
	var err error
	if p.subjects, err = extent(p.subjects[:0], word, rest); err != nil {
		return nil, plainHint(word, err)
	}
	i := item{except: except}
	if i.reason, err = p.options.unnamed(); err != nil {
		return nil, err
	}
	p.items = spread(p.items[:0], p.subjects, i)
	return p.items, nil
}

// spread makes an item of each subject.
func spread(items []item, subjects []listing.Subject, i item) []item {
	for _, i.subject = range subjects {
		items = append(items, i)
	}
	return items
}

// address is the first word of a line, without the mark of an exception, and
// what follows it; or nothing if the line is blank or a comment.
func address(text []byte) (word []byte, except bool, rest []byte) {
	text = bytes.TrimLeft(text, " \t")
	if len(text) > 0 && text[0] == '!' {
		except, text = true, bytes.TrimLeft(text[1:], " \t")
		if len(text) == 0 {
			return []byte("!"), false, nil
		}
	}
	if bytes.HasPrefix(text, []byte("//")) {
		return nil, except, nil
	}
	for n, c := range text {
		switch c {
		case ' ', '\t':
			return text[:n], except, text[n:]
		case '#', ';':
			return text[:n], except, nil
		}
	}
	return text, except, nil
}

// plainHint names the format that a line seems to be of.
func plainHint(text []byte, err error) error {
	if why, ok := errors.AsType[*listing.Error](err); !ok || why.Code != "not-an-address" {
		return err
	}
	hint := ""
	switch {
	case text[0] == '{' || text[0] == '[':
		hint = "this looks like NDJSON: --format ndjson"
	case text[0] == '<':
		hint = "this looks like a web page: is the address of the feed right?"
	case bytes.IndexByte(text, ',') > 0:
		hint = "this looks like CSV: --format csv"
	case text[0] == ':' || text[0] == '$' || bytes.IndexByte(text, '-') > 0:
		hint = "this looks like a data file of rbldnsd: --format rbldnsd:ip4set"
	default:
		return err
	}
	return complain("not-an-address", hint, "%s is not an address or prefix", listing.Quote(string(text[:min(len(text), 100)])))
}
