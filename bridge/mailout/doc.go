// Package mailout sends mail: one letter, one SMTP transaction, one outcome.
//
// A server answers a mail only when it has all of it, after the final dot. So the outcome is plain:
//
//	no connection, no TLS, no token            retry, not_sent; the server is down
//	login refused                              retry, unauthorized
//	4xx to any command                         retry, throttled; come back later
//	5xx to sender, recipient or text           refused
//	broken off before the final dot            retry, not_sent: an unfinished mail is thrown away
//	broken off behind the final dot            unknown, no_answer
//	250                                        done
//
// A repeat has the same Message-ID as the first try, by which a recipient's system can recognise it.
// What a provider's people or programs do with the mail is another matter: a mail that is delivered
// to the server and bounces later comes back as a delivery report (see package mailin).
package mailout
