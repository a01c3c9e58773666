package desk

import (
	"context"
	"iter"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
)

// Counters know how an address greeted.
type Counters interface {
	Facts(s listing.Subject) (sighting.Facts, error)
}

// DNS is asked about an address when somebody asks for its removal, and never
// unasked.
type DNS interface {
	// Reverse are the names of an address, and whether they lead back to it:
	// then these alone are given. helo.Unchecked: there is nobody to ask.
	Reverse(ctx context.Context, a netip.Addr) (names []string, confirmed bool, status helo.Status)
	// Texts are the TXT records of a name, octet by octet.
	Texts(ctx context.Context, name string) ([]string, helo.Status)
}

// People keeps personal data: values under a kind and an id. What it deletes
// is gone for good. Get fails with listing.ErrNotFound.
type People interface {
	Get(kind, id string) ([]byte, error)
	Put(kind, id string, value []byte) error
	Delete(kind string, ids ...string) error
	Each(kind string) iter.Seq2[Record, error]
}

// Record is one value of People.
type Record struct {
	ID    string
	Value []byte
}

// Zone is a zone that answers from the list.
type Zone struct {
	Name    string
	TTL     time.Duration    // the longest of positive answers
	Reasons []listing.Reason // that it answers; none: those that are published
}

// Settings are what an operator can change while the desk works.
type Settings struct {
	Zones   []Zone          // the first is the one that letters name
	Letters *delist.Letters //
	Page    string          // what stands before an address in the URL of its page; empty: there is none
	Mail    string          // where people write to; empty: nowhere
	Probe   string          // the domain of probe addresses; empty: none are handed out
	Texts   bool            // a token in TXT is proof: DNS can be asked
	PerWeek int             // requests of one requester for an address that are heard in 7 days; 0: 3

	Sendmail string // the program that takes mails to those who left an address on the page
	MailOff  string // why none are sent; empty: they are

	// SourceCap is how many addresses senders may take out of a source in a day
	// (UTC); after that a person decides. 0: none.
	SourceCap int
}

// Config is what a Desk works with.
type Config struct {
	Book     *listing.Book
	Counters Counters // nil: no sessions are counted
	DNS      DNS      // nil: it is not asked
	People   People
	Signer   *delist.Signer
	Settings func() Settings // in force

	// Send hands a mail to a sendmail program. nil: no mail is sent from here.
	Send func(ctx context.Context, program string, mail []byte) error
}

// Validate finds what is missing.
func (c Config) Validate() error {
	var wrong listing.Mistakes
	for what, missing := range map[string]bool{"book": c.Book == nil, "people": c.People == nil,
		"signer": c.Signer == nil, "settings": c.Settings == nil} {
		wrong.Unless(!missing, "desk: no %s", what)
	}
	return wrong.Err()
}

// Desk is the support desk. Its methods may be called at once.
type Desk struct {
	cfg    Config
	post   post
	people sync.RWMutex // held by requests while they write of a person, so that what is erased stays so
}

// New returns a Desk, which from then on judges what support ends in the Book.
func New(c Config) (*Desk, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Desk{cfg: c, post: post{wake: make(chan struct{}, 1)}}
	c.Book.SetJudge(d)
	return d, nil
}

// now is the time in whole seconds, as tickets and letters have it.
func (d *Desk) now() time.Time { return d.cfg.Book.Now().Truncate(time.Second) }

// Token is what a sender shows to prove that he controls an address.
func (d *Desk) Token(a netip.Addr, s delist.Stand) delist.Token {
	return d.cfg.Signer.Mint(a, s, d.now().Add(tokenLife))
}

// Check fails for a token that was not made for the listing, or is too old.
func (d *Desk) Check(t delist.Token, a netip.Addr, s delist.Stand) error {
	return d.cfg.Signer.Verify(t, a, s, d.now())
}

// tokenLife is how long a token is good, if its listing lasts as long.
const tokenLife = 14 * listing.Day

// effectiveBy is when the last resolver has let go of what was answered until
// now.
func (s Settings) effectiveBy(now time.Time) time.Time {
	return now.Add(s.LongestTTL()).Truncate(time.Second).Add(time.Second)
}

// LongestTTL is how long a resolver may keep an answer.
func (s Settings) LongestTTL() time.Duration {
	var longest time.Duration
	for _, z := range s.Zones {
		longest = max(longest, z.TTL)
	}
	return longest
}

// zone is the name that letters give the list.
func (s Settings) zone() string {
	if len(s.Zones) == 0 {
		return "this list"
	}
	return s.Zones[0].Name
}

// names are those by which refusals name this list: its zones, and the host of its
// pages.
func (s Settings) names() []string {
	var all []string
	for _, z := range s.Zones {
		all = append(all, z.Name)
	}
	if u, err := url.Parse(s.Page); err == nil && u.Host != "" {
		all = append(all, u.Host)
	}
	return all
}

// page is the address of the page about an address.
func (s Settings) page(a netip.Addr) string {
	if s.Page == "" {
		return ""
	}
	return s.Page + a.String()
}

// recipes is the page on how the name is set in mail servers; empty: there are no pages.
func (s Settings) recipes() string {
	if s.Page == "" {
		return ""
	}
	return s.Page + "fix"
}

// Settings are those in force.
func (d *Desk) Settings() Settings { return d.cfg.Settings() }
