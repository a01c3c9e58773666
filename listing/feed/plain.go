package feed

import (
	"bytes"

	"dnsbld/listing"
)

// plain is one address or prefix a line:
//
//	# a comment; ; begins one too
//	192.0.2.7
//	198.51.100.0/24   whatever follows white space is ignored
//	!198.51.100.9     an exception
type plain struct {
	options *Options
	items   [1]item
}

func newPlain(o *Options) parser { return lineParser((&plain{options: o}).read) }

func (p *plain) read(text []byte) ([]item, error) {
	text, except := address(text)
	if len(text) == 0 {
		return nil, nil
	}
	s, err := parseSubject(text)
	if err != nil {
		return nil, plainHint(text, err)
	}
	reason, err := p.options.unnamed()
	if err != nil {
		return nil, err
	}
	p.items[0] = item{subject: s, reason: reason, except: except}
	return p.items[:], nil
}

// address is the first word of a line, without the mark of an exception, or
// nothing if the line is blank or a comment.
func address(text []byte) (word []byte, except bool) {
	text = bytes.TrimLeft(text, " \t")
	if len(text) > 0 && text[0] == '!' {
		except, text = true, bytes.TrimLeft(text[1:], " \t")
		if len(text) == 0 {
			return []byte("!"), false
		}
	}
	for n, c := range text {
		if c == ' ' || c == '\t' || c == '#' || c == ';' {
			return text[:n], except
		}
	}
	return text, except
}

// plainHint names the format that a line seems to be of.
func plainHint(text []byte, err error) error {
	hint := ""
	switch {
	case text[0] == '{':
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
