package db

import (
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// served gives what the query path needs of all entries: this list's own, then
// source by source. It allocates nothing an entry but for texts.
func (s *state) served(yield func(listing.Served) bool) error {
	c := s.tx.Bucket(servedBucket).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		e, err := decodeServed(k, v)
		if err != nil || !yield(e) {
			return err
		}
	}
	names := s.tx.Bucket(sourcesBucket).Cursor()
	for k, _ := names.First(); k != nil; k, _ = names.Next() {
		more, err := s.servedSource(string(k), yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// servedSource gives the entries of one source: the hosts block by block, then
// the others.
func (s *state) servedSource(name string, yield func(listing.Served) bool) (more bool, err error) {
	hosts, wide, err := s.contents(name)
	if err != nil {
		return false, err
	}
	more, err = servedHosts(hosts.Cursor(), name, yield)
	if err != nil || !more {
		return false, err
	}
	c := wide.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		key, err := parseKey(k)
		if err != nil {
			return false, err
		}
		a, err := decodeAttrs(v)
		if err != nil {
			return false, err
		}
		if !yield(a.served(key.Subject, name)) {
			return false, nil
		}
	}
	return true, nil
}

func (a *attrs) served(s listing.Subject, source string) listing.Served {
	return listing.Served{Key: listing.Key{Subject: s, Reason: a.reason, Source: source},
		Except: a.except, Until: instant(a.until), Text: a.public}
}

// servedHosts decodes the dictionary of a block once and its hosts where they lie.
func servedHosts(c *bolt.Cursor, name string, yield func(listing.Served) bool) (more bool, err error) {
	var block blockReader
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := block.open(k, v); err != nil {
			return false, err
		}
		for n := range block.len() {
			v4, a, err := block.host(n)
			if err != nil {
				return false, err
			}
			if !yield(a.served(hostSubject(v4), name)) {
				return false, nil
			}
		}
	}
	return true, nil
}
