package zone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing"
	"dnsbld/listing/mirror"
	"dnsbld/listing/wildcard"
)

// intake puts the records of a transfer together, as they come.
type intake struct {
	zone   *zone
	tables *tables
	have   *uint32
	step   step
	soa    *dns.SOA // the zone's
	at     uint32   // serial that an IXFR has come to
	copy   *mirror.Copy

	// The name whose records come, and those that came: they come together.
	name  string
	owned wildcard.Owned
	any   bool
}

// step is how far a transfer is (RFC 5936, section 2.2; RFC 1995, section 4).
type step uint8

const (
	atStart   step = iota
	atSecond       // the second record tells an IXFR from an AXFR
	inWhole        // records of the zone
	inRemoved      // those that an IXFR takes away
	inAdded        // those that it brings
	atEnd
)

func newIntake(z *zone, t *tables, have *uint32) *intake {
	return &intake{zone: z, tables: t, have: have, copy: &mirror.Copy{List: &wildcard.Taken{Plain: z.plain}}}
}

// plain is the TXT of an entry that has no text of its own.
func (z *zone) plain(r listing.Reason, s listing.Subject) string {
	return z.reasons.TXT(r, s, "", z.page)
}

func (in *intake) done() bool { return in.step == atEnd }

func (in *intake) begin(soa *dns.SOA) {
	c := in.copy
	in.soa, in.at, c.Serial = soa, soa.Serial, soa.Serial
	c.SOA = soa.String()
	c.Refresh, c.Retry, c.Expire = time.Duration(soa.Refresh)*time.Second, time.Duration(soa.Retry)*time.Second, time.Duration(soa.Expire)*time.Second
	in.step = atSecond
}

// message takes in one message of the transfer.
func (in *intake) message(m *dns.Msg) error {
	for _, rr := range m.Answer {
		if err := in.record(rr); err != nil {
			return err
		}
	}
	switch {
	case len(m.Answer) == 0:
		return errors.New("it sent a message without records")
	case in.step == atSecond && in.have != nil && in.soa.Serial == *in.have:
		in.copy.Form, in.step = mirror.Current, atEnd
	case in.copy.List.Len() > takeNames:
		return fmt.Errorf("it has more than %d names, which is more than is taken", takeNames)
	case in.copy.List.Changed() > takeChanges:
		return fmt.Errorf("it changed more than %d names", takeChanges)
	}
	return nil
}

func (in *intake) record(rr dns.RR) error {
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case in.step == atEnd:
		return errors.New("it sent more than the zone")
	case isSOA:
		return in.boundary(soa)
	case in.step == atStart:
		return errors.New("its answer does not begin with an SOA record")
	case in.step == atSecond:
		in.step, in.copy.Form = inWhole, mirror.Whole
	}
	return in.data(rr)
}

// boundary is an SOA record: those of an IXFR part what goes from what comes.
func (in *intake) boundary(soa *dns.SOA) error {
	if dns.CanonicalName(soa.Hdr.Name) != in.zone.name {
		return fmt.Errorf("it has an SOA record at %s", listing.Quote(soa.Hdr.Name))
	}
	if err := in.flush(); err != nil {
		return err
	}
	if in.step == atStart {
		in.begin(soa)
		return nil
	}
	to, fits := in.after(soa.Serial)
	if !fits {
		return fmt.Errorf("it has serial %d where that is not to be", soa.Serial)
	}
	if to == inRemoved {
		in.copy.Form = mirror.Changed
	}
	in.step, in.at = to, soa.Serial
	return nil
}

// after is the step that an SOA record with a serial leads to, if it may stand here.
func (in *intake) after(serial uint32) (to step, fits bool) {
	last := serial == in.soa.Serial
	switch in.step {
	case atSecond:
		if in.have != nil && serial == *in.have {
			return inRemoved, true
		}
		return atEnd, last
	case inRemoved:
		return inAdded, true
	case inAdded:
		if last {
			return atEnd, serial == in.at
		}
		return inRemoved, serial == in.at
	}
	return atEnd, last // in the whole zone
}

// data is any other record.
func (in *intake) data(rr dns.RR) error {
	h := rr.Header()
	owner := dns.CanonicalName(h.Name)
	name, inside := strings.CutSuffix(owner, "."+in.zone.name)
	switch {
	case owner == in.zone.name:
		return in.fixed("", rr)
	case !inside:
		return fmt.Errorf("it has %s, which is not in the zone", listing.Quote(h.Name))
	case h.Class != dns.ClassINET:
		return fmt.Errorf("it has class %d at %s", h.Class, listing.Quote(h.Name))
	case !wildcard.IsName(name):
		return in.fixed(name, rr)
	}
	if name != in.name || !in.any {
		if err := in.flush(); err != nil {
			return err
		}
		in.name, in.any = name, true
	}
	return in.listed(rr)
}

// mostOwned is how many records of one type a name may have: one for each reason.
const mostOwned = 253

// listed is a record at the name of an address, or a wildcard.
func (in *intake) listed(rr dns.RR) error {
	switch rr := rr.(type) {
	case *dns.A:
		a := rr.A.To4()
		if a == nil || a[0] != 127 || a[1] != 0 || a[2] != 0 || a[3] < 2 || a[3] == 255 {
			return fmt.Errorf("%s has A %s: this program knows 127.0.0.2 to 127.0.0.254", in.name, rr.A)
		}
		in.owned.Reasons = append(in.owned.Reasons, listing.Reason(a[3]))
		in.copy.TTL = rr.Hdr.Ttl
	case *dns.TXT:
		text := unescape(strings.Join(rr.Txt, ""))
		if len(text) > maxText {
			return fmt.Errorf("%s has TXT of %d octets, and %d are the most", in.name, len(text), maxText)
		}
		in.owned.Texts = append(in.owned.Texts, text)
	default:
		if rr.Header().Rrtype != typeMarker {
			return fmt.Errorf("%s has a record of type %s: a list has A and TXT alone", in.name, dns.Type(rr.Header().Rrtype))
		}
	}
	if max(len(in.owned.Reasons), len(in.owned.Texts)) > mostOwned {
		return fmt.Errorf("%s has more than %d records of one type: there are no more reasons", in.name, mostOwned)
	}
	return nil
}

// flush takes in the name whose records have come.
func (in *intake) flush() (err error) {
	if !in.any {
		return nil
	}
	switch in.step {
	case inWhole:
		err = in.copy.List.Put(in.name, in.owned)
	case inRemoved, inAdded:
		err = in.copy.List.Change(in.name, in.step == inRemoved, in.owned)
	}
	in.owned, in.any = wildcard.Owned{}, false
	return err
}

// fixed is a record at the zone's own name, or at one that is no list's.
func (in *intake) fixed(name string, rr dns.RR) error {
	t := rr.Header().Rrtype
	may := []uint16{dns.TypeNS, dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeMX}
	switch {
	case t == dns.TypeNS && name != "":
		if z := in.tables.zones[string(packedName(rr.Header().Name))]; z == nil {
			return fmt.Errorf("it delegates %s: serve that too, as a [[zone]] with its reasons", strings.TrimSuffix(rr.Header().Name, "."))
		}
		return nil
	case !slices.Contains(may, t):
		return fmt.Errorf("%s has a record of type %s, which is not taken", listing.Quote(rr.Header().Name), dns.Type(t))
	case in.step == inRemoved:
		wildcard.Move(&in.copy.Gone, &in.copy.Fixed, rr.String())
	default:
		wildcard.Move(&in.copy.Fixed, &in.copy.Gone, rr.String())
	}
	if len(in.copy.Fixed)+len(in.copy.Gone) > mirror.MostFixed {
		return fmt.Errorf("it has more than %d records that are not of a list", mirror.MostFixed)
	}
	return nil
}

// unescape is text as it is, from how the library has it.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for n := 0; n < len(text); n++ {
		c := text[n]
		if c == '\\' && n+1 < len(text) {
			n++
			if c = text[n]; c >= '0' && c <= '2' && n+2 < len(text) {
				c = (c-'0')*100 + (text[n+1]-'0')*10 + text[n+2] - '0'
				n += 2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
