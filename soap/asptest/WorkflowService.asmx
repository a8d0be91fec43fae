<%@ WebService Language="C#" Class="WorkflowService" %>
using System;
using System.IO;
using System.Text;
using System.Web.Services;

// The operations of SSP that Pergabridge calls. Each call becomes a line of calls.log: the
// operation, then each argument as "=" and base64, or "-" for null.
[WebService(Namespace = "http://tempuri.org/")]
public class WorkflowService : WebService
{
    static readonly object gate = new object();

    string Note(string operation, params string[] args)
    {
        var line = new StringBuilder(operation);
        foreach (var a in args)
            line.Append(a == null ? " -" : " =" + Convert.ToBase64String(Encoding.UTF8.GetBytes(a)));
        lock (gate)
            File.AppendAllText(Server.MapPath("~/calls.log"), line.Append('\n').ToString());
        foreach (var a in args)
            if (a != null && a.StartsWith("throw!", StringComparison.Ordinal))
                throw new ApplicationException(a);
        return "OK";
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalAcknowledgement(string processInstanceTaskId, string externalReference)
    {
        return Note("ProcessInstanceTaskExternalAcknowledgement", processInstanceTaskId, externalReference);
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalUpdateMessage(string processInstanceTaskId, string message)
    {
        return Note("ProcessInstanceTaskExternalUpdateMessage", processInstanceTaskId, message);
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalReassignment(string processInstanceTaskId, string solution)
    {
        return Note("ProcessInstanceTaskExternalReassignment", processInstanceTaskId, solution);
    }
}
