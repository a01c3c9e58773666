package config

import (
	"slices"

	"dnsbld/listing"
)

// Reason is a [[reason]]: it changes one of the catalogue, or adds one. A nil
// field was left out, and leaves what the catalogue says.
type Reason struct {
	Code       int                 `toml:"code"`
	Symbol     *string             `toml:"symbol"`
	Kind       *listing.Basis      `toml:"kind"`
	Text       *string             `toml:"text"`
	Explain    *string             `toml:"explanation"`
	Published  *bool               `toml:"published"`
	Base       *life               `toml:"base"`
	Longest    *life               `toml:"longest"`
	Repeat     *int                `toml:"repeat"`
	SelfDelist *listing.SelfDelist `toml:"self_delist"`
	Rank       *int                `toml:"rank"`
}

// firstOwn is the first number that operators may give to a reason of theirs.
const firstOwn = 100

// merge lays what the file says of a reason over the catalogue. Numbers under
// firstOwn mean the same in every list, so their symbol and kind stay.
func (r Reason) merge(infos []listing.ReasonInfo, wrong *listing.Mistakes) []listing.ReasonInfo {
	n := slices.IndexFunc(infos, func(i listing.ReasonInfo) bool { return int(i.Code) == r.Code })
	switch {
	case r.Code < 2 || r.Code > 254:
		wrong.Addf("reason: code = %d: a number is from 2 to 254", r.Code)
		return infos
	case n < 0 && r.Code < firstOwn:
		wrong.Addf("reason %d: numbers under %d are this program's; yours begin there", r.Code, firstOwn)
		return infos
	case n < 0:
		n = len(infos)
		infos = append(infos, listing.ReasonInfo{Code: listing.Reason(r.Code), Published: true, Longest: listing.Life(30 * listing.Day),
			Repeat: 1, SelfDelist: listing.SelfNo, Rank: firstOwn, Basis: listing.BasisOther})
	case r.Code < firstOwn:
		r.checkBuiltIn(infos[n].Symbol, wrong)
	}
	r.layOver(&infos[n])
	return infos
}

// checkBuiltIn refuses to change what other programs know a number by.
func (r Reason) checkBuiltIn(symbol string, wrong *listing.Mistakes) {
	wrong.Unless(r.Symbol == nil || *r.Symbol == symbol, "reason %d is %s: its symbol cannot be changed", r.Code, symbol)
	wrong.Unless(r.Kind == nil, "reason %d is %s: its kind cannot be changed", r.Code, symbol)
}

// layOver changes what the file has a key for.
func (r Reason) layOver(info *listing.ReasonInfo) {
	set(&info.Symbol, r.Symbol)
	set(&info.Text, r.Text)
	set(&info.Explanation, r.Explain)
	set(&info.Published, r.Published)
	set(&info.Base, r.Base)
	set(&info.Longest, r.Longest)
	set(&info.Repeat, r.Repeat)
	set(&info.Rank, r.Rank)
	set(&info.SelfDelist, r.SelfDelist)
	if r.Kind != nil {
		info.Basis = *r.Kind
		info.Needs = info.Basis.Needs()
	}
}

// set overwrites what was given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
