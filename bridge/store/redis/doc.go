// Package redisstore is the distributed store.
package redisstore
