namespace Hive.Protocol;

/// <summary>The host refused a request.</summary>
/// <param name="code">Why, as one of the stable words.</param>
/// <param name="message">Why, for a person: what was wrong, the limit, the way out.</param>
public sealed class HiveException(string code, string message) : Exception(message)
{
    /// <summary>The stable word, as on the wire (<c>not_found</c>, …).</summary>
    public string Code { get; } = code;
}
