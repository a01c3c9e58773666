// Package removal holds the nouns of the support desk: tickets, decisions, what
// a mail shows, letters. They are data with a few rules of their own (the ways
// that a ticket can take); what decides is package delist, what carries out is
// package desk.
//
// It exists apart from them so that blctl, which prints these types, links
// neither the reader of mails nor the letters' templates.
package removal
