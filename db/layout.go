package db

import (
	"encoding/binary"
	"net/netip"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Versions of the layout: schema is the one that this code writes, and gives to older
// files; from readable on they can be read as they are.
const (
	schema   = 6
	readable = 3
)

// The buckets of a file.
var (
	metaBucket      = []byte("meta")
	entriesBucket   = []byte("entries")
	servedBucket    = []byte("served")
	pastBucket      = []byte("past")
	allowsBucket    = []byte("allows")
	documentsBucket = []byte("papers") // their name in files from the beginning
	sourcesBucket   = []byte("sources")
	contentsBucket  = []byte("contents")
	deltasBucket    = []byte("deltas")
	logBucket       = []byte("log")
	historyBucket   = []byte("history")
	evidenceBucket  = []byte("evidence")
	doneBucket      = []byte("done")
	agedBucket      = []byte("aged")

	// Inside contents/name.
	hostsBucket = []byte("hosts")
	netsBucket  = []byte("nets")
	wideBucket  = []byte("wide") // before version 3: an entry a key
)

// Keys of the meta bucket.
var (
	schemaKey = []byte("schema")
	headKey   = []byte("head")
	configKey = []byte("config")
)

func allBuckets() [][]byte {
	return [][]byte{metaBucket, entriesBucket, servedBucket, pastBucket, allowsBucket, documentsBucket, sourcesBucket,
		contentsBucket, deltasBucket, logBucket, historyBucket, evidenceBucket, doneBucket, agedBucket}
}

const (
	family4, family6 = 4, 6 // first octet of a subject

	subjectLen4 = 1 + 4 + 1
	subjectLen6 = 1 + 16 + 1
)

// appendSubject appends a subject as it stands in keys.
func appendSubject(b []byte, s listing.Subject) []byte {
	if a := s.Addr(); a.Is4() {
		v := a.As4()
		b = append(append(b, family4), v[:]...)
	} else {
		v := a.As16()
		b = append(append(b, family6), v[:]...)
	}
	return append(b, byte(s.Bits()))
}

// appendKey appends the key of an entry; its source is known from the bucket.
func appendKey(b []byte, k listing.Key) []byte {
	return append(appendSubject(b, k.Subject), byte(k.Reason))
}

func entryKey(k listing.Key) []byte {
	return appendKey(make([]byte, 0, subjectLen6+1), k)
}

func subjectKey(s listing.Subject) []byte {
	return appendSubject(make([]byte, 0, subjectLen6), s)
}

// cutSubject reads the subject that b begins with.
func cutSubject(b []byte) (s listing.Subject, rest []byte, ok bool) {
	switch {
	case len(b) >= subjectLen4 && b[0] == family4 && b[5] <= 32:
		a := netip.AddrFrom4([4]byte(b[1:5]))
		return listing.Subject{Prefix: netip.PrefixFrom(a, int(b[5]))}, b[subjectLen4:], true
	case len(b) >= subjectLen6 && b[0] == family6 && b[17] <= 128:
		a := netip.AddrFrom16([16]byte(b[1:17]))
		return listing.Subject{Prefix: netip.PrefixFrom(a, int(b[17]))}, b[subjectLen6:], true
	}
	return listing.Subject{}, nil, false
}

// parseKey reads the key of an entry.
func parseKey(b []byte) (listing.Key, error) {
	s, rest, ok := cutSubject(b)
	if !ok || len(rest) != 1 {
		return listing.Key{}, corruptf("entry key %x", b)
	}
	return listing.Key{Subject: s, Reason: listing.Reason(rest[0])}, nil
}

// hostSubject is one IPv4 address as a subject.
func hostSubject(v4 uint32) listing.Subject {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], v4)
	return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4(a), 32)}
}

// isHost4 reports whether a subject is packed into blocks.
func isHost4(s listing.Subject) bool { return s.Bits() == 32 && s.Addr().Is4() }

// appendRevision writes a revision as it stands in keys: in order.
func appendRevision(b []byte, r listing.Revision) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(r))
}

func revisionKey(r listing.Revision) []byte { return appendRevision(nil, r) }

func cutRevision(b []byte) (listing.Revision, []byte, bool) {
	if len(b) < 8 {
		return 0, nil, false
	}
	return listing.Revision(binary.BigEndian.Uint64(b)), b[8:], true
}

// head is where the log stands, and what is counted along with it: revision (8
// octets) · chain hash · entries. It is written by every transaction that changes
// the list, and is ahead of the last record only after Skip.
type head struct {
	revision listing.Revision
	chain    listing.Digest
	entries  int // of this list's own
}

func (h head) encode() []byte {
	b := append(revisionKey(h.revision), h.chain[:]...)
	return binary.AppendUvarint(b, uint64(h.entries))
}

func readHead(tx *bolt.Tx) (head, error) {
	r := reader{b: tx.Bucket(metaBucket).Get(headKey)}
	var h head
	h.revision = listing.Revision(binary.BigEndian.Uint64(r.take(8)))
	h.chain = r.digest()
	h.entries = int(r.uvarint())
	return h, r.err("head")
}
