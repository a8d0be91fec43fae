<%@ WebService Language="C#" Class="WorkflowService" %>
using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Web.Services;

// Hungarian names, the task not first, a namespace of its own, a truth value as result, and a hash
// that protects each call: SHA-256, upper-case hex, over the secret and the other arguments but the
// author, in their order.
[WebService(Namespace = "http://ssp.example.com/workflow")]
public class WorkflowService : WebService
{
    static readonly object gate = new object();

    bool Note(string operation, string hash, string over, params string[] args)
    {
        var line = new StringBuilder(operation);
        foreach (var a in args)
            line.Append(a == null ? " -" : " =" + Convert.ToBase64String(Encoding.UTF8.GetBytes(a)));
        string want;
        using (var sha = SHA256.Create())
            want = BitConverter.ToString(sha.ComputeHash(Encoding.UTF8.GetBytes("between-us-0815" + over))).Replace("-", "");
        if (hash != want)
            return false;
        lock (gate)
            File.AppendAllText(Server.MapPath("~/calls.log"), line.Append('\n').ToString());
        return true;
    }

    [WebMethod]
    public bool ProcessInstanceTaskExternalAcknowledgement(string p_strExternalReference, string p_strHash, string p_strTaskId)
    {
        return Note("ProcessInstanceTaskExternalAcknowledgement", p_strHash, p_strExternalReference + p_strTaskId, p_strExternalReference, p_strTaskId);
    }

    [WebMethod]
    public bool ProcessInstanceTaskExternalUpdateMessage(string p_strMessageText, string p_strTaskId, string p_strHash)
    {
        return Note("ProcessInstanceTaskExternalUpdateMessage", p_strHash, p_strMessageText + p_strTaskId, p_strMessageText, p_strTaskId);
    }

    [WebMethod]
    public bool ProcessInstanceTaskExternalReassignment(string p_strHash, string p_strSolutionText, string p_strTaskId)
    {
        return Note("ProcessInstanceTaskExternalReassignment", p_strHash, p_strSolutionText + p_strTaskId, p_strSolutionText, p_strTaskId);
    }

    // Others of the service that do not matter.
    [WebMethod]
    public string Ping(string p_strText) { return p_strText; }
}
