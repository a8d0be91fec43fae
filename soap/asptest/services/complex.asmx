<%@ WebService Language="C#" Class="WorkflowService" %>
using System;
using System.IO;
using System.Text;
using System.Web.Services;

// A number as task id, arguments that are objects, nothing as result. With web.config it speaks
// SOAP 1.2 only.
[WebService(Namespace = "urn:ssp:workflow")]
public class WorkflowService : WebService
{
    static readonly object gate = new object();

    public class TaskMessage
    {
        public int TaskId;
        public string MessageText;
        public string Author;
    }

    public class External
    {
        public string Reference;
    }

    void Note(string operation, params string[] args)
    {
        var line = new StringBuilder(operation);
        foreach (var a in args)
            line.Append(a == null ? " -" : " =" + Convert.ToBase64String(Encoding.UTF8.GetBytes(a)));
        lock (gate)
            File.AppendAllText(Server.MapPath("~/calls.log"), line.Append('\n').ToString());
    }

    [WebMethod]
    public void ProcessInstanceTaskExternalAcknowledgement(int taskId, External external)
    {
        Note("ProcessInstanceTaskExternalAcknowledgement", taskId.ToString(), external == null ? null : external.Reference);
    }

    [WebMethod]
    public void ProcessInstanceTaskExternalUpdateMessage(TaskMessage update)
    {
        if (update == null)
            Note("ProcessInstanceTaskExternalUpdateMessage", null, null, null);
        else
            Note("ProcessInstanceTaskExternalUpdateMessage", update.TaskId.ToString(), update.MessageText, update.Author);
    }

    [WebMethod]
    public void ProcessInstanceTaskExternalReassignment(int taskId, string solution)
    {
        Note("ProcessInstanceTaskExternalReassignment", taskId.ToString(), solution);
    }
}
