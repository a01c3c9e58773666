package db

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"dnsbld/listing"
)

// documentKey keeps the documents of a kind together, in order of id. A kind
// holds no zero octet, so that no kind is the beginning of another's keys.
func documentKey(kind, id string) []byte { return append(append([]byte(kind), 0), id...) }

// encodeDocument is a document without its name. Its body is kept to the byte,
// for that is how bodies are compared.
func encodeDocument(d *listing.Document) []byte {
	return append(binary.AppendUvarint(nil, uint64(d.Revision)), d.Body...)
}

func decodeDocument(kind, id string, raw []byte) (listing.Document, error) {
	r := reader{b: raw}
	d := listing.Document{Kind: kind, ID: id, Revision: listing.Revision(r.uvarint())}
	d.Body = bytes.Clone(r.rest())
	return d, r.err("document " + listing.Quote(id))
}

// appendDocument writes a document with its name, as a record has it.
func appendDocument(b []byte, d *listing.Document) ([]byte, error) {
	return appendText(appendText(appendText(b, d.Kind), d.ID), encodeDocument(d)), nil
}

func (r *reader) document() *listing.Document {
	d, err := decodeDocument(r.text(), r.text(), r.bytes())
	r.bad = r.bad || err != nil
	return &d
}

func checkDocument(d *listing.Document) error {
	if d == nil || d.Kind == "" || d.ID == "" || strings.Contains(d.Kind, "\x00") || len(d.Kind)+len(d.ID) > mostID {
		return fmt.Errorf("document without a proper kind and id: %w", listing.ErrInvalid)
	}
	return nil
}

func (w *writing) changeDocument(before, after *listing.Document) error {
	documents := w.tx.Bucket(documentsBucket)
	if after == nil {
		return documents.Delete(documentKey(before.Kind, before.ID))
	}
	return documents.Put(documentKey(after.Kind, after.ID), encodeDocument(after))
}

func (s *state) Document(kind, id string) (d listing.Document, found bool, err error) {
	raw := s.tx.Bucket(documentsBucket).Get(documentKey(kind, id))
	if raw == nil {
		return d, false, nil
	}
	d, err = decodeDocument(kind, id, raw)
	return d, err == nil, err
}

// Document is one document; listing.ErrNotFound if there is none.
func (s *snapshot) Document(kind, id string) (listing.Document, error) {
	return guardedResult(s.health, func() (listing.Document, error) {
		d, found, err := s.state.Document(kind, id)
		if err == nil && !found {
			err = listing.ErrNotFound
		}
		return d, err
	})
}

// Documents yields the documents of a kind in order of id.
func (s *snapshot) Documents(kind string) iter.Seq2[listing.Document, error] {
	return stream(s.health, func(yield func(listing.Document) bool) error {
		c, prefix := s.tx.Bucket(documentsBucket).Cursor(), documentKey(kind, "")
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			d, err := decodeDocument(kind, string(k[len(prefix):]), v)
			if err != nil || !yield(d) {
				return err
			}
		}
		return nil
	})
}
