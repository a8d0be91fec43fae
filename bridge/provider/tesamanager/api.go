package tesamanager

import (
	"context"
	"time"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Object is a nested object whose fields the vendor has not published.
type Object = map[string]any

// ActivationRequest is operation 1.
type ActivationRequest struct {
	TerritoryOwner        string `json:"territoryOwner"`
	PortabilityIndicator  string `json:"portabilityIndicator,omitempty"`
	ExternalReference     string `json:"externalReference"`
	TechnicalCoordinators Object `json:"technicalCoordinators"`
	Customer              Object `json:"customer"`
	ServicePoint          Object `json:"servicePoint"`
}

// TerminationRequest is operation 2.
type TerminationRequest struct {
	TerritoryOwner        string `json:"territoryOwner"`
	ExternalReference     string `json:"externalReference"`
	TechnicalCoordinators Object `json:"technicalCoordinators"`
	Customer              Object `json:"customer"`
	ServicePoint          Object `json:"servicePoint"`
}

// CancellationRequest is operation 3.
type CancellationRequest struct {
	ExternalReference string `json:"externalReference"`
}

// IncidentResolveRequest is operation 4.
type IncidentResolveRequest struct {
	ExternalReference string `json:"externalReference"`
	Observations      string `json:"observations,omitempty"`
}

// CreateAccessRequest is operation 5.
type CreateAccessRequest struct {
	ExternalReference string `json:"externalReference"`
	TechnicianCode    string `json:"technicianCode"`
	Reason            string `json:"reason,omitempty"`
}

// CreateStatusCtoRequest is operation 6.
type CreateStatusCtoRequest struct {
	ExternalReference string `json:"externalReference"`
}

// CreatePortRequest is operations 7 and 8.
type CreatePortRequest struct {
	ExternalReference string `json:"externalReference"`
	Port              string `json:"port"`
}

// TerminateAccessRequest is operation 9.
type TerminateAccessRequest struct {
	ExternalReference string `json:"externalReference"`
	Observations      string `json:"observations"`
}

// InstallationIncidentRequest is operation 10.
type InstallationIncidentRequest struct {
	ExternalReference string `json:"externalReference"`
	RequestType       string `json:"requestType"`
	RequestNumber     int64  `json:"requestNumber"`
	SubRequestNumber  int64  `json:"subRequestNumber"`
	Incidence         string `json:"incidence"`
	Cto               string `json:"cto"`
	Comments          string `json:"comments"`
}

// InstallationEndRequest is operation 11.
type InstallationEndRequest struct {
	ExternalReference string `json:"externalReference"`
	RequestType       string `json:"requestType"`
	RequestNumber     int64  `json:"requestNumber"`
	SubRequestNumber  int64  `json:"subRequestNumber"`
	Test              string `json:"test"`
	Indicator         string `json:"indicator"`
	Owner             string `json:"owner"`
}

// CtoChangeRequest is operation 12.
type CtoChangeRequest struct {
	ExternalReference string `json:"externalReference"`
	CtoIdentifier     string `json:"ctoIdentifier"`
	CtoPort           string `json:"ctoPort,omitempty"`
	Reason            string `json:"reason"`
}

// ListQuery is operation 13; what is zero does not filter.
type ListQuery struct {
	Statuses          []string   `json:"statuses,omitempty"`
	ExternalReference string     `json:"externalReference,omitempty"`
	AutoInstallation  *bool      `json:"autoInstallation,omitempty"`
	Cancelling        *bool      `json:"cancelling,omitempty"`
	PersistenceType   string     `json:"persistenceType,omitempty"`
	NotUpdatedSince   *time.Time `json:"notUpdatedSince,omitempty"`
}

// Result is the answer of a write. Its fields are not published: Raw is all of it.
type Result struct {
	ReferenceID string
	Raw         map[string]any
}

// Request is one request as the vendor keeps it. Its fields are not published: Raw is all of it.
type Request struct {
	ReferenceID, ExternalReference, Status string
	Raw                                    map[string]any
}

// Event is one thing that happened to a request.
type Event struct {
	ID               int64
	ReferenceID      string
	MessageType      string
	RequestNumber    int64
	SubRequestNumber int64
	EventDate        time.Time
	SequenceNumber   int64
	Inconsistent     bool
	Record           vendorapi.Record
}

// Issue is one problem of a request.
type Issue struct {
	ID            int64
	ReferenceID   string
	IssueSequence int64
	IssueCode     string
	Resolved      bool
	Repeated      bool
	LastUpdated   string
	Record        vendorapi.Record
}

// API is the typed client: one method for each of the sixteen operations. Errors are of type
// [*vendorapi.Failure].
type API struct {
	client *vendorapi.Client
}

func (a *API) call(ctx context.Context, op string, request any) (*vendorapi.Reply, error) {
	args, err := vendorapi.Args(request)
	if err != nil {
		return nil, err
	}
	return a.send(ctx, op, args)
}

func (a *API) send(ctx context.Context, op string, args map[string]any) (*vendorapi.Reply, error) {
	return a.client.Call(ctx, op, args)
}

func (a *API) write(ctx context.Context, op string, request any) (Result, error) {
	reply, err := a.call(ctx, op, request)
	if err != nil {
		return Result{}, err
	}
	return a.result(reply), nil
}

func (a *API) result(reply *vendorapi.Reply) Result {
	obj := reply.Object()
	return Result{ReferenceID: a.client.Profile.Record("result", obj).String("referenceId"), Raw: obj}
}

// Activate creates an activation request.
func (a *API) Activate(ctx context.Context, r ActivationRequest) (Result, error) {
	return a.write(ctx, "activate", r)
}

// Terminate creates a termination request.
func (a *API) Terminate(ctx context.Context, r TerminationRequest) (Result, error) {
	return a.write(ctx, "terminate", r)
}

// Cancel cancels a request.
func (a *API) Cancel(ctx context.Context, r CancellationRequest) (Result, error) {
	return a.write(ctx, "cancel", r)
}

// ResolveIncident resolves an incident.
func (a *API) ResolveIncident(ctx context.Context, r IncidentResolveRequest) (Result, error) {
	return a.write(ctx, "resolveIncident", r)
}

// CreateAccess creates an access.
func (a *API) CreateAccess(ctx context.Context, r CreateAccessRequest) (Result, error) {
	return a.write(ctx, "createAccess", r)
}

// CreateStatusCto asks for the status of a CTO.
func (a *API) CreateStatusCto(ctx context.Context, r CreateStatusCtoRequest) (Result, error) {
	return a.write(ctx, "createCtoStatus", r)
}

// CreatePortA is the first of the two port operations; disabled until it is mapped.
func (a *API) CreatePortA(ctx context.Context, r CreatePortRequest) (Result, error) {
	return a.write(ctx, "createPortA", r)
}

// CreatePortB is the second of the two port operations; disabled until it is mapped.
func (a *API) CreatePortB(ctx context.Context, r CreatePortRequest) (Result, error) {
	return a.write(ctx, "createPortB", r)
}

// TerminateAccess terminates an access.
func (a *API) TerminateAccess(ctx context.Context, r TerminateAccessRequest) (Result, error) {
	return a.write(ctx, "terminateAccess", r)
}

// InstallationIncident reports an incident of an installation.
func (a *API) InstallationIncident(ctx context.Context, r InstallationIncidentRequest) (Result, error) {
	return a.write(ctx, "installationIncident", r)
}

// InstallationEnd reports the end of an installation.
func (a *API) InstallationEnd(ctx context.Context, r InstallationEndRequest) (Result, error) {
	return a.write(ctx, "installationEnd", r)
}

// ChangeCto changes the CTO of a request.
func (a *API) ChangeCto(ctx context.Context, r CtoChangeRequest) (Result, error) {
	return a.write(ctx, "changeCto", r)
}

// List returns the reference ids of the requests that fit.
func (a *API) List(ctx context.Context, q ListQuery) ([]string, error) {
	reply, err := a.call(ctx, "listReferenceIds", q)
	if err != nil {
		return nil, err
	}
	return idList(reply)
}

// Get reads one request.
func (a *API) Get(ctx context.Context, referenceID string) (Request, error) {
	reply, err := a.send(ctx, "getRequest", map[string]any{"referenceId": referenceID})
	if err != nil {
		return Request{}, err
	}
	r := a.client.Profile.Record("request", reply.Object())
	return Request{ReferenceID: r.String("referenceId"), ExternalReference: r.String("externalReference"), Status: r.String("status"), Raw: r.Raw}, nil
}

// Events reads the events of one request, as the vendor orders them.
func (a *API) Events(ctx context.Context, referenceID string) ([]Event, error) {
	reply, err := a.send(ctx, "getEvents", map[string]any{"referenceId": referenceID})
	if err != nil {
		return nil, err
	}
	list, err := listOf(reply, "getEvents")
	if err != nil {
		return nil, err
	}
	var out []Event
	for _, r := range a.client.Profile.Records("event", list) {
		e := Event{ReferenceID: r.String("reference_id"), MessageType: r.String("message_type"), Record: r}
		seq, ok := r.Int("sequence_number")
		if !ok {
			return nil, badAnswer(reply, "getEvents", "an event without a sequence number")
		}
		e.SequenceNumber = seq
		e.ID, _ = r.Int("id")
		e.RequestNumber, _ = r.Int("request_number")
		e.SubRequestNumber, _ = r.Int("subrequest_number")
		e.EventDate, _ = r.Time("event_date")
		e.Inconsistent, _ = r.Bool("inconsistent")
		out = append(out, e)
	}
	return out, nil
}

// Issues reads the issues of one request.
func (a *API) Issues(ctx context.Context, referenceID string) ([]Issue, error) {
	reply, err := a.send(ctx, "getIssues", map[string]any{"referenceId": referenceID})
	if err != nil {
		return nil, err
	}
	list, err := listOf(reply, "getIssues")
	if err != nil {
		return nil, err
	}
	var out []Issue
	for _, r := range a.client.Profile.Records("issue", list) {
		i := Issue{ReferenceID: r.String("reference_id"), IssueCode: r.String("issue_code"), LastUpdated: r.String("last_updated"), Record: r}
		i.ID, _ = r.Int("id")
		i.IssueSequence, _ = r.Int("issue_sequence")
		i.Resolved, _ = r.Bool("resolved")
		i.Repeated, _ = r.Bool("repeated")
		out = append(out, i)
	}
	return out, nil
}
