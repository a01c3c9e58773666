package db

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// beginning says of what stands in its bucket what it is.
type beginning struct {
	Revision listing.Revision `json:"revision"`
	Chain    listing.Digest   `json:"chain"`
	Entries  int              `json:"entries"`
	Config   string           `json:"config"`
	Sum      listing.Digest   `json:"sum"`
}

// beginning is the base of a file; the zero one if it has forgotten nothing.
func (s *state) beginning() (at beginning, b *bolt.Bucket, err error) {
	if b = s.tx.Bucket(baseBucket); b == nil {
		return at, nil, nil
	}
	if found, err := getJSON(b, atKey, &at); !found || err != nil {
		return at, b, errors.Join(corruptf("the base of the log"), err)
	}
	return at, b.Bucket(stateBucket), nil
}

// forgotten is the last revision whose record is not kept; 0: all are.
func (s *state) forgotten() listing.Revision {
	at, _, err := s.beginning()
	if err != nil {
		return 0 // whoever needs a record finds that it is cut short
	}
	return at.Revision
}

// checkBase proves what a replay begins with, and that the chain leads there.
func (s *state) checkBase() error {
	at, b, err := s.beginning()
	if err != nil || at.Revision == 0 {
		return err
	}
	sum := sha256.New()
	if err := sumBucket(sum, b); err != nil {
		return err
	}
	if listing.Digest(sum.Sum(nil)) != at.Sum {
		return corruptf("what the list was at revision %d is not as it was written", at.Revision)
	}
	if raw := s.tx.Bucket(logBucket).Get(revisionKey(at.Revision)); !bytes.Equal(raw, at.Chain[:]) {
		return broken(at.Revision, "its hash is not the one that was kept when its record was forgotten")
	}
	return nil
}

// sumBucket takes all of a bucket into a sum.
func sumBucket(sum hash.Hash, b *bolt.Bucket) error {
	if b == nil {
		return corruptf("the base of the log")
	}
	return b.ForEach(func(k, v []byte) error {
		frame := binary.AppendUvarint(nil, uint64(len(k)))
		if v == nil {
			sum.Write(append(append(frame, 'b'), k...))
			return sumBucket(sum, b.Bucket(k))
		}
		sum.Write(append(binary.AppendUvarint(append(frame, 'v'), uint64(len(v))), k...))
		sum.Write(v)
		return nil
	})
}

// beginWith gives a new list what a replay of this one begins with, and says from
// which revision on it goes.
func (s *state) beginWith(to *bolt.DB) (next listing.Revision, err error) {
	if err := s.checkBase(); err != nil {
		return 0, err
	}
	at, b, err := s.beginning()
	if err != nil || at.Revision == 0 {
		return 1, err
	}
	return at.Revision + 1, to.Update(func(tx *bolt.Tx) error {
		if err := b.ForEachBucket(func(name []byte) error { return copyBucket(b.Bucket(name), tx.Bucket(name)) }); err != nil {
			return err
		}
		meta := tx.Bucket(metaBucket)
		h := head{revision: at.Revision, chain: at.Chain, entries: at.Entries}
		return errors.Join(meta.Put(headKey, h.encode()), putConfig(meta, at.Config))
	})
}

func putConfig(meta *bolt.Bucket, config string) error {
	if config == "" {
		return nil
	}
	return meta.Put(configKey, []byte(config))
}

// copyBucket copies all of a bucket.
func copyBucket(from, to *bolt.Bucket) error {
	to.FillPercent = appendFill
	return from.ForEach(func(k, v []byte) error {
		if v != nil {
			return to.Put(k, v)
		}
		inner, err := to.CreateBucketIfNotExists(k)
		if err != nil {
			return err
		}
		return copyBucket(from.Bucket(k), inner)
	})
}

// hadThen is how many entries a source had at a subject when the oldest kept record
// was made.
func (s *state) hadThen(name string, subject listing.Subject) (n int, err error) {
	_, b, err := s.beginning()
	if err != nil || b == nil {
		return 0, err
	}
	own := b.Bucket(contentsBucket).Bucket([]byte(name))
	if own == nil {
		return 0, nil
	}
	hosts, nets := own.Bucket(hostsBucket), own.Bucket(netsBucket)
	if hosts == nil || nets == nil {
		return 0, fmt.Errorf("source %s: %w", name, corruptf("the base of the log"))
	}
	if isHost4(subject) {
		v4 := subject.V4()
		err = findHost(hosts.Get(hostKey(v4)), v4, func(*attrs) { n++ })
		return n, err
	}
	err = scanSubject(&netCursor{blocks: nets.Cursor()}, subject, func(_, _ []byte) error { n++; return nil })
	return n, err
}
