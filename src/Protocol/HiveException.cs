namespace Hive.Protocol;

/// <summary>The host refused a request.</summary>
/// <param name="code">The stable code.</param>
/// <param name="message">What is wrong, the limit, and the way out, for a person.</param>
public sealed class HiveException(string code, string message) : Exception(message)
{
    /// <summary>The stable code, as on the wire (<c>not_found</c>, …).</summary>
    public string Code { get; } = code;
}
