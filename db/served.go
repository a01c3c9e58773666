package db

import (
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// served gives what the query path needs of all entries: this list's own, then
// source by source. It allocates nothing an entry but for texts. All of it is
// checked by its sums, and that nothing is missing by the numbers of entries.
func (s *state) served(yield func(listing.Served) bool) error {
	n := 0
	count := func(e listing.Served) bool { n++; return yield(e) }
	more, err := servedKeys(s.tx.Bucket(servedBucket).Cursor(), decodeServed, count)
	if err != nil || !more {
		return err
	}
	if n != s.head.entries {
		return corruptf("%d entries of this list's own are served, and %d are counted", n, s.head.entries)
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	for i := range sources {
		n = 0
		if more, err = s.servedSource(sources[i].Name, count); err != nil || !more {
			return err
		}
		if n != sources[i].Entries {
			return corruptf("%d entries of source %s are served, and %d are counted", n, sources[i].Name, sources[i].Entries)
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
	return servedKeys(wide.Cursor(), func(k, v []byte) (listing.Served, error) {
		key, err := parseKey(k)
		if err != nil {
			return listing.Served{}, err
		}
		a, err := decodeAttrs(k, v)
		return a.served(key.Subject, name), err
	}, yield)
}

// servedKeys gives the entries of a bucket that has one a key.
func servedKeys(c *bolt.Cursor, decode func(k, v []byte) (listing.Served, error), yield func(listing.Served) bool) (more bool, err error) {
	for k, v := c.First(); k != nil; k, v = c.Next() {
		e, err := decode(k, v)
		if err != nil || !yield(e) {
			return false, err
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
