package delist

import (
	"crypto/hmac"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

const (
	refHead = 5 // minutes since 1970 (4 octets), the place of the code in Codes (1)
	refMAC  = 6
)

// Reference writes a reference in groups of letters and digits that can be
// read out: "L-AAAAA-…".
func (s *Signer) Reference(r removal.Reference) string {
	raw := binary.BigEndian.AppendUint32(nil, uint32(r.Time.Unix()/60))
	raw = append(raw, byte(slices.Index(removal.Codes(), r.Code)+1))
	raw = append(raw, r.Address.Unmap().AsSlice()...)
	text := text32.EncodeToString(append(raw, s.tag(refMAC, "letter", raw)...))
	var groups []string
	for group := range slices.Chunk([]byte(text), 5) {
		groups = append(groups, string(group))
	}
	return "L-" + strings.Join(groups, "-")
}

// ReadReference recognises a reference of ours, in any case, hyphens and
// blanks not counted.
func (s *Signer) ReadReference(text string) (removal.Reference, error) {
	none := &listing.Error{Kind: listing.ErrNotFound, Code: "not-our-letter",
		Message: listing.Quote(text) + " is not the reference of a letter of ours",
		Hint:    "check it letter by letter: it begins with L-, and there is no 0, 1, 8 or 9 in it"}
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(text))
	plain, found := strings.CutPrefix(plain, "L")
	raw, err := text32.DecodeString(plain)
	if !found || err != nil || len(raw) < refHead+refMAC || text32.EncodeToString(raw) != plain {
		return removal.Reference{}, none
	}
	body, mac := raw[:len(raw)-refMAC], raw[len(raw)-refMAC:]
	a, ok := netip.AddrFromSlice(body[refHead:])
	n := int(body[4])
	if !hmac.Equal(mac, s.tag(refMAC, "letter", body)) || !ok || n > len(removal.Codes()) {
		return removal.Reference{}, none
	}
	r := removal.Reference{Address: a, Time: time.Unix(int64(binary.BigEndian.Uint32(body))*60, 0).UTC()}
	if n > 0 {
		r.Code = removal.Codes()[n-1]
	}
	return r, nil
}
