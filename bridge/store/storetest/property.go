package storetest
import "testing"
func checkProperties(t *testing.T, f Factory) {}
