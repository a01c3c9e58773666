package sighting

import (
	"cmp"
	"container/list"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
)

// Options are how an Engine works.
type Options struct {
	Now        func() time.Time
	Rules      func() listing.Rules // in force: the catalogue and the policy
	Thresholds Thresholds
	Archive    Archive
	// Named are the shadow reasons that a zone answers: they list like others.
	Named []listing.Reason
	// Ended says when the latest listing of a key ended, or the zero time: it
	// is asked before an address is listed, without a lock. Nil: what Changed
	// told is all there is. [LatestEnd] finds it in a history.
	Ended func(listing.Key) (time.Time, error)
	// Probation is how long a new receiver's sessions list nobody.
	Probation time.Duration
	// PerReceiver is how many addresses are listed in an hour on the word of one
	// receiver alone; zero: 100.
	PerReceiver int
	// Memory is how many bytes counters take before the oldest are stored and
	// forgotten; zero: 32 MiB.
	Memory int
	// IDs is how many session ids are known at once; zero: 1,000,000.
	IDs int
}

// Validate finds every mistake.
func (o Options) Validate() error {
	var wrong listing.Mistakes
	wrong.Unless(o.Now != nil && o.Rules != nil && o.Archive != nil, "sightings: a clock, rules and an archive are needed")
	wrong.Unless(o.Memory >= 0 && o.IDs >= 0 && o.PerReceiver >= 0, "sightings: bounds on memory are not negative")
	wrong.Add(o.Thresholds.Validate())
	return wrong.Err()
}

// Engine counts sessions and says what they do to the list. All methods may be
// called at once. Whoever runs it calls Send (or Edits) when Wake tells and once
// a second besides, for what time alone makes due; Flush every few seconds;
// Prune now and then; and Changed for every Change of the list.
type Engine struct {
	o    Options
	wake chan struct{}

	flushing   sync.Mutex // held while something is stored; before mu
	mu         sync.Mutex
	records    map[place]*record
	fresh      []*record // with something to be stored
	weak       list.List // records without bogus sessions, by their newest; the oldest go first
	strong     list.List // those with bogus ones
	bytes      int
	ids        *ids
	reading    map[string]chan struct{} // by key of the archive; closed when it was read
	own        figures
	ownChanged bool      // since it was stored, by more than sessions
	keyed      hash.Hash // with the secret: to make one costs more than to use it
	text       []byte    // that is being hashed
	sum        []byte
	pruned     []byte // where Prune goes on

	due       map[place][]uint64 // hosts to be looked at
	schedule  schedule
	entries   map[place][]*ownEntry
	ends      map[place]endings
	allows    map[listing.Subject]listing.Allow
	inFlight  map[listing.Key]asked // of the Book, not yet seen in a Change
	deferred  map[place]struct{}    // by the breaker
	tidied    time.Time             // when to tidy next
	shadows   map[listing.Key]Found
	probation byReceiver // those on probation, when that was looked at last
	again     byReceiver // those whose places are to be looked at again
	withheld  map[listing.Key]Withheld
	totals    map[Outcome]uint64
	lost      uint64 // records forgotten without being stored
}

// figures are the engine's own, stored as one value.
type figures struct {
	Secret    []byte    `json:"secret"` // of the hashes
	Receivers receivers `json:"receivers"`
	Breaker   breaker   `json:"breaker"`
}

// New makes an Engine and reads its figures from the archive. Then tell it of
// the entries and allow entries that stand, each as the Change that made it.
func New(o Options) (*Engine, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Memory == 0 {
		o.Memory = 32 << 20
	}
	if o.IDs == 0 {
		o.IDs = 1_000_000
	}
	o.PerReceiver = cmp.Or(o.PerReceiver, perReceiver)
	e := &Engine{o: o, wake: make(chan struct{}, 1), records: map[place]*record{}, ids: newIDs(),
		reading: map[string]chan struct{}{}, due: map[place][]uint64{}, entries: map[place][]*ownEntry{}, ends: map[place]endings{},
		allows: map[listing.Subject]listing.Allow{}, inFlight: map[listing.Key]asked{},
		deferred: map[place]struct{}{}, shadows: map[listing.Key]Found{}, withheld: map[listing.Key]Withheld{}, totals: map[Outcome]uint64{}}
	for item, err := range o.Archive.Scan([]byte{engineKey}, nil) {
		if err != nil {
			return nil, fmt.Errorf("reading sightings: %w", err)
		}
		if err := json.Unmarshal(item.Value, &e.own); err != nil {
			return nil, fmt.Errorf("reading sightings: %w: %w", listing.ErrCorrupt, err)
		}
	}
	for r := &e.own.Receivers; len(r.Since) < len(r.Names); { // stored before there was probation
		r.Since = append(r.Since, 0)
	}
	if len(e.own.Receivers.Last) != len(e.own.Receivers.Names) || len(e.own.Receivers.Since) != len(e.own.Receivers.Names) {
		return nil, fmt.Errorf("reading sightings: receivers: %w", listing.ErrCorrupt)
	}
	if len(e.own.Secret) == 0 {
		e.own.Secret = make([]byte, 32)
		rand.Read(e.own.Secret) // never fails (crypto/rand)
	}
	e.again = e.own.Receivers.onProbation(o.Now(), o.Probation+window) // a probation may have ended meanwhile
	e.keyed = hmac.New(sha256.New, e.own.Secret)
	return e, nil
}

// perReceiver is the usual bound of what one receiver alone has listed in an hour.
const perReceiver = 100

// SetThresholds puts others in force. Addresses are held against them at their
// next session.
func (e *Engine) SetThresholds(ts Thresholds) error {
	if err := ts.Validate(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.o.Thresholds = ts
	return nil
}

// Wake has a value when Edits may have something to give.
func (e *Engine) Wake() <-chan struct{} { return e.wake }

func (e *Engine) notify() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// hash is the keyed hash of texts: what stands for them says nothing of them.
// It is called with mu held.
func (e *Engine) hash(texts ...string) uint64 {
	e.text = e.text[:0]
	for _, t := range texts {
		e.text = binary.AppendUvarint(e.text, uint64(len(t)))
		e.text = append(e.text, t...)
	}
	e.keyed.Reset()
	e.keyed.Write(e.text)
	e.sum = e.keyed.Sum(e.sum[:0])
	return binary.BigEndian.Uint64(e.sum)
}

// Status is how an Engine is.
type Status struct {
	Networks  int                `json:"networks"` // records in memory
	Bytes     int                `json:"bytes"`    // that they are estimated to take
	IDs       int                `json:"ids"`      // sessions known in memory
	Lost      uint64             `json:"lost"`     // records forgotten without being stored
	Receivers []string           `json:"receivers"`
	Probation []Receiver         `json:"probation,omitempty"` // receivers on probation
	Sole      bool               `json:"sole"`                // one receiver alone, or none, reported in seven days; those on probation left out
	Breaker   Breaker            `json:"breaker"`
	Totals    map[Outcome]uint64 `json:"totals"`
	Shadows   map[string]int     `json:"shadows,omitempty"` // subjects found against shadow reasons, by symbol: not listed
}

// Status tells how the engine is.
func (e *Engine) Status() Status {
	now := e.o.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	totals := map[Outcome]uint64{}
	for o, n := range e.totals {
		totals[o] = n
	}
	shadows := map[string]int{}
	for k := range e.shadows {
		shadows[symbolOf(k.Reason)]++
	}
	news := slices.DeleteFunc(e.receivers(now), func(r Receiver) bool { return r.Probation.IsZero() })
	return Status{Networks: len(e.records), Bytes: e.bytes, IDs: e.ids.total, Lost: e.lost,
		Receivers: e.own.Receivers.recent(now, byReceiver{}), Probation: news, Sole: e.own.Receivers.sole(now, e.probation),
		Breaker: e.own.Breaker.status(now), Totals: totals, Shadows: shadows}
}
