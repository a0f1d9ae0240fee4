namespace Hive.Features.Egress;

/// <summary>A connection that the proxy does not make, with the answer to the agent's program.</summary>
/// <param name="status">The status of the answer: 400, 403, 502 or 504.</param>
/// <param name="message">The reason in words, without line breaks.</param>
internal sealed class EgressException(int status, string message) : Exception(message)
{
    public int Status => status;

    /// <summary>The answer to a request whose host is not in one of the accepted forms.</summary>
    public static EgressException Malformed(string what) => new(400, $"Hive: {what}");
}
