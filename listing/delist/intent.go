package delist

import (
	"strings"

	"dnsbld/listing/removal"
)

// These expressions tell what a mail wants. Only one that asks for a removal may lead to one; one that
// speaks against it, or gives thanks, is for a person. The words are those that
// mails to such desks have, in the languages they come in.
var (
	request = lazy(`(?i)\b(?:remov(?:e|al)|de-?list(?:ing)?|unlist|unblock(?:ing|ed)?|unban|whitelist|take \S+ off|take \S+ \S+ off|lift the|` + // English
		`freigabe|freigeben|freischalt\w*|entsperr\w*|entfern\w*|austragen|delisten|` + // German
		`quit(?:ar|arl[ao]s?|en|enl[ao]s?)|elimin(?:ar|en)\w*|desbloque\w*|retir(?:ar|en)\w*|remover|` + // Spanish, Portuguese
		`retirer|supprimer|enlever|rimuover\w*|rimozione|sbloccare|verwijder\w*|deblokker\w*|usun\w*|odblokow\w*)\b|` +
		`(?i)débloquer|entlist|löschen|удал\pL+|разблок\pL+`)
	// blocked is a request that does not say what is wanted.
	blocked = lazy(`(?i)\byou(?:'re| are)? block(?:ing)?\b|\bblocking (?:us|me|my|our)\b|\b(?:our|my|we|us|i|am)\b[^.!?]{0,120}\b(?:blocked|blacklisted|listed|rejected)\b`)
	plea    = lazy(`(?i)\b(?:please|kindly|can you|could you|would you|bitte|por favor|s'il vous)\b`)

	// negation is a request turned round.
	negation = lazy(`(?i)\b(?:do not|don'?t|never|should not|shouldn'?t|must not|please not)\s+(?:\w+\s+){0,2}(?:remove|de-?list|unlist|unblock|lift)\b|` +
		`\bno\s+(?:l[oae]s?\s+)?(?:quit|elimin|retir|desbloque)\w*|\bnicht\s+(?:\w+\s+){0,3}(?:entfern|entsperr|freischalt|freigeb|austragen|delist)\w*|` +
		`\b(?:keep|leave)\s+\S+\s+(?:\S+\s+)?(?:listed|blocked|blacklisted|on (?:the|your) list)\b|\bremain(?:s)? listed\b`)
	// complaint is about mail that the writer gets.
	complaint = lazy(`(?i)\b(?:get|gets|getting|receive|receiving)\s+(?:\w+\s+){0,3}spam\b|\bspam(?:s|med|ming)?\s+(?:us|me|our users)\b|` +
		`\b(?:list|block|blacklist)\s+\S+\s+(?:again|too|as well)\b|\breport(?:ing)?\s+(?:\w+\s+){0,2}(?:spam|abuse)\b`)
	thanks = lazy(`(?i)\b(?:thank you|thanks|thx|danke|gracias|merci|grazie|obrigad[oa])\b`)
	// thanked is a thing that was done already.
	thanked = lazy(`(?i)\b(?:thank you|thanks)\s+(?:\w+\s+){0,3}(?:for (?:the )?)?(?:remov|de-?list|unlist|unblock)(?:ing|al)\b`)
)

// intent says whether a mail asks for a removal, and what in it speaks against
// one. own are its words without what it quotes; refused says that it brings a
// refusal or a log, which is a request without words.
func intent(own string, refused bool) (asks bool, against string) {
	asked := request.MatchString(own)
	switch {
	case negation.MatchString(own):
		return false, "it asks not to remove an address"
	case complaint.MatchString(own):
		return false, "it complains of mail that was received"
	case thanked.MatchString(own) && !(plea.MatchString(own) && asked):
		return false, "it gives thanks for a removal"
	case asked || refused:
		return true, ""
	case thanks.MatchString(own):
		return false, "it gives thanks, and asks for nothing"
	}
	return blocked.MatchString(own) || bareAddress(own), ""
}

// bareAddress reports whether a text is an address and hardly anything else, as
// somebody at the desk types it.
func bareAddress(own string) bool {
	return len(strings.Fields(own)) <= 2 && len(addresses(own)) == 1
}

// refuses reports whether claims bring a refusal, or a log of one, that is not
// another list's.
func refuses(all []removal.Claim) bool {
	for _, c := range all {
		if (c.Kind == removal.ClaimBounce || c.Kind == removal.ClaimLog) && c.List == "" {
			return true
		}
	}
	return false
}

// ownWords are the lines of a text that are not quoted from elsewhere.
func ownWords(text string) string {
	var own []string
	for line := range strings.Lines(text) {
		if unquote(line) == line {
			own = append(own, line)
		}
	}
	return strings.Join(own, "")
}
