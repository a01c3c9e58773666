package db

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"dnsbld/listing"
)

// paperKey keeps the documents of a kind together, in order of id.
func paperKey(kind, id string) []byte { return append(append([]byte(kind), 0), id...) }

// encodePaper is a document without its name. Its body is kept to the byte,
// for that is how bodies are compared.
func encodePaper(p *listing.Document) []byte {
	return append(binary.AppendUvarint(nil, uint64(p.Revision)), p.Body...)
}

func decodePaper(kind, id string, raw []byte) (listing.Document, error) {
	r := reader{b: raw}
	p := listing.Document{Kind: kind, ID: id, Revision: listing.Revision(r.uvarint())}
	p.Body = bytes.Clone(r.b)
	r.b = nil
	return p, r.err("document " + listing.Quote(id))
}

func (r *reader) papers() (before, after *listing.Document) {
	which := r.byte()
	read := func(flag byte) *listing.Document {
		if which&flag == 0 {
			return nil
		}
		p, err := decodePaper(r.text(), r.text(), r.bytes())
		r.bad = r.bad || err != nil
		return &p
	}
	before = read(hasBefore)
	return before, read(hasAfter)
}

func checkPaper(p *listing.Document) error {
	if p == nil || p.Kind == "" || p.ID == "" || strings.Contains(p.Kind, "\x00") || len(p.Kind)+len(p.ID) > mostID {
		return fmt.Errorf("document without a proper kind and id: %w", listing.ErrInvalid)
	}
	return nil
}

func (w *writing) changePaper(c *listing.Change) error {
	papers := w.tx.Bucket(papersBucket)
	if c.DocumentAfter == nil {
		return papers.Delete(paperKey(c.DocumentBefore.Kind, c.DocumentBefore.ID))
	}
	return papers.Put(paperKey(c.DocumentAfter.Kind, c.DocumentAfter.ID), encodePaper(c.DocumentAfter))
}

func (s *state) Document(kind, id string) (p listing.Document, found bool, err error) {
	raw := s.tx.Bucket(papersBucket).Get(paperKey(kind, id))
	if raw == nil {
		return p, false, nil
	}
	p, err = decodePaper(kind, id, raw)
	return p, err == nil, err
}

func (s *snapshot) Document(kind, id string) (p listing.Document, err error) {
	err = s.state.health.guarded(func() error {
		found := false
		if p, found, err = s.state.Document(kind, id); err == nil && !found {
			err = listing.ErrNotFound
		}
		return err
	})
	return p, err
}

func (s *snapshot) Documents(kind string) iter.Seq2[listing.Document, error] {
	return stream(s.state.health, func(yield func(listing.Document) bool) error {
		c, prefix := s.state.tx.Bucket(papersBucket).Cursor(), paperKey(kind, "")
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			p, err := decodePaper(kind, string(k[len(prefix):]), v)
			if err != nil || !yield(p) {
				return err
			}
		}
		return nil
	})
}
