namespace Hive.Protocol;

/// <summary>The host refused a request.</summary>
/// <param name="code">The stable code.</param>
/// <param name="message">What is wrong, the limit, and the way out, for a person.</param>
/// <param name="retryAfter">When the same request can succeed, in seconds; null when the host does not know.</param>
public sealed class HiveException(string code, string message, double? retryAfter = null) : Exception(message)
{
    /// <summary>The stable code, as on the wire (<c>not_found</c>, …).</summary>
    public string Code { get; } = code;

    /// <summary>When the same request can succeed, in seconds; null when the host does not know.</summary>
    public double? RetryAfter { get; } = retryAfter;
}
