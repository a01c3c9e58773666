// Package db keeps the list in one bbolt file. It is the engine behind
// listing.Store for a node that is its own order; package dbtest holds the
// contract that it and every other engine passes.
//
// Invariants:
//
//   - A revision is one record in the log, linked into the chain in the
//     transaction that makes its changes. Nothing else changes the list.
//   - A request is decided in full before anything of it is written: one that
//     is refused leaves no trace.
//   - Whoever iterates over what is damaged gets listing.ErrCorrupt, and a
//     file that is not understood is refused and left as it is.
//   - No transaction is held while waiting for anything.
//   - The pages of a file are looked at before bbolt reads them: see pages.go.
//
// # On disk
//
// Numbers are big-endian where they are part of a key, else varints as in
// encoding/binary. A subject is written as its family (4 or 6), its address
// and its length in bits, so that the order of keys is that of Subject.Compare
// and a prefix with all that it holds is one range. An entry's key is its
// subject and its reason. Texts carry their length.
//
//	meta      "schema"              version of this layout
//	          "head"                revision, chain hash, number of own entries
//	          "config"              hash of the configuration in force
//	entries   key                   an entry of this list's own
//	served    key                   of the same entry: flags, until, its own text; sealed
//	past      key                   level and end of its last listing
//	allows    subject               an allow entry (JSON, sealed)
//	papers    kind, 0, id           a document: its revision and its body
//	sources   name                  a source as an object (JSON, sealed)
//	contents  name/hosts  /16       packed IPv4 hosts of a source, see blocks.go; sealed
//	          name/nets   key       packed other entries from that key on, see nets.go; sealed
//	deltas    name  'h' /8 revision what a revision changed in the IPv4 hosts of a /8
//	          name  'w' revision n  … and in the others, 4,096 a piece
//	          name  'e' revision    the source ended: which change of the record says so
//	log       revision              chain hash after it, then its record, if it is kept
//	history   subject revision      which changes of the record are about it
//	evidence  digest                what was seen (JSON, sealed)
//	done      request id            what it was answered: see done.go
//	aged      time, request id      the same in order of time, for forgetting
//	base                            where the log begins, once some of it is forgotten: see forget.go
//
// A sealed value ends in its checksum: see seal.go. Version 1 of the layout had
// none, and until version 2 nets was wide, with an entry a key; a file of these is
// upgraded when it is opened. Version 4 was version 3 with a base. Since version 5
// texts that begin alike are written short, and deltas are packed as contents are;
// since version 6 deltas tell IPv4 hosts by the distances between them. What an older
// version wrote stays as it is, for the chain is over it.
//
// Beside the file, in FILE.served, stands the highest revision that was served
// from it: it outlives the file when a backup takes its place.
//
// A record is the revision, a form, the canonical request, the changes, the
// entries that the request named, and of an import the counts, the digest of
// the deltas and where they lie. The chain runs over the whole record, and by
// the digest over the deltas; evidence is in it by its own digest alone.
//
// The counters of package sighting lie in a second file: see Sightings.
package db
