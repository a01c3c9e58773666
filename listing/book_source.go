package listing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// SourceNoteKind is the kind of the document that holds what an operator says of a
// source; its ID is the source's name.
const SourceNoteKind = "source"

// SourceNote says where to ask about a source, to those whom it lists. It is shown
// in public. It outlives the source: a feed that lapsed comes back with it.
type SourceNote struct {
	URL     string `json:"url,omitempty"`     // of the list that is taken over
	Contact string `json:"contact,omitempty"` // whom to ask there: a mail address or a URL
}

// SourceNoteOf is what is said of a source; its zero value: nothing.
func SourceNoteOf(s Snapshot, name string) (SourceNote, error) {
	said, _, err := readSourceNote(s, name)
	return said, err
}

func readSourceNote(s Snapshot, name string) (said SourceNote, read Revision, err error) {
	doc, err := s.Document(SourceNoteKind, name)
	if errors.Is(err, ErrNotFound) {
		return said, 0, nil
	}
	if err == nil {
		if err = json.Unmarshal(doc.Body, &said); err != nil {
			err = fmt.Errorf("source %s: %w", name, errors.Join(ErrCorrupt, err))
		}
	}
	return said, doc.Revision, err
}

// SetSource says something of a source. Nil leaves what is said, an empty text takes
// it away.
type SetSource struct {
	Name    string  `path:"name" json:"name"`
	URL     *string `json:"url,omitempty"`
	Contact *string `json:"contact,omitempty"`
	Note    string  `json:"note,omitempty"`
	Options
}

// check finds every mistake.
func (c SetSource) check() error {
	wrong := func(code, message, hint string) error {
		return &Error{Kind: ErrInvalid, Code: code, Message: message, Hint: hint}
	}
	switch {
	case c.URL == nil && c.Contact == nil:
		return wrong("nothing-given", "neither a URL nor a contact was given", "for example --url https://list.example/ --contact removals@list.example")
	case !unsaid(c.URL) && !isPage(*c.URL):
		return wrong("bad-url", Quote(*c.URL)+" is not the URL of a page", "for example https://list.example/")
	case !unsaid(c.Contact) && !isPage(*c.Contact) && !isContactMail(*c.Contact):
		return wrong("bad-contact", Quote(*c.Contact)+" is neither a mail address nor a URL", "for example removals@list.example")
	}
	return nil
}

// unsaid reports whether nothing is to be said: left as it is, or taken away.
func unsaid(text *string) bool { return text == nil || *text == "" }

// isPlain reports whether a text can stand in a page and a letter as it is.
func isPlain(s string) bool {
	const longest = 200
	return len(s) <= longest && Printable(s) == s && !strings.ContainsAny(s, ` "<>`)
}

func isPage(s string) bool {
	u, err := url.Parse(s)
	return isPlain(s) && err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// isContactMail reports whether a text looks like a mail address. It is shown to
// people; nothing here writes to it.
func isContactMail(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	return isPlain(s) && local != "" && strings.Trim(domain, ".-") == domain && strings.Contains(domain, ".") && !strings.ContainsAny(domain, "@:/?")
}

// SetSource says in public where to ask about a source that is in force.
func (b *Book) SetSource(ctx context.Context, who Caller, c SetSource) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	if err := c.check(); err != nil {
		return Result{}, err
	}
	o := order{Header: Header{Actor: who.Name, Note: Text(c.Note)}, Options: c.Options, intent: IntentOf(c)}
	return b.plan(ctx, who, o, func(p *planning) ([]Edit, error) {
		sources, err := p.Sources()
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(sources, func(s Source) bool { return s.Name == c.Name && s.Active(p.now) }) {
			return nil, &Error{Kind: ErrNotFound, Code: "no-source", Message: "there is no source " + Quote(c.Name)}
		}
		said, read, err := readSourceNote(p, c.Name)
		if err != nil {
			return nil, err
		}
		return said.edits(c, read)
	})
}

// edits write what a command makes of what is said; none: that is said already.
func (s SourceNote) edits(c SetSource, read Revision) ([]Edit, error) {
	next := s
	if c.URL != nil {
		next.URL = *c.URL
	}
	if c.Contact != nil {
		next.Contact = *c.Contact
	}
	if next == s {
		return nil, nil
	}
	doc := &Document{Kind: SourceNoteKind, ID: c.Name}
	if next != (SourceNote{}) {
		raw, err := json.Marshal(next)
		if err != nil {
			return nil, fmt.Errorf("writing what is said of source %s: %w", c.Name, err)
		}
		doc.Body = raw
	}
	return []Edit{{Op: OpDocument, Expect: &read, Document: doc}}, nil
}
