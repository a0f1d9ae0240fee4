using Hive.Protocol;

namespace Hive.Common.Errors;

/// <summary>A refusal with a stable code; every door shows its message to the caller as it is.</summary>
/// <param name="code">The stable word.</param>
/// <param name="message">What is wrong, the limit, and the way out.</param>
/// <param name="inner">What caused it, for the log.</param>
public sealed class Problem(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The stable word.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>When to try again, in seconds; null when that is not known.</summary>
    public double? RetryAfter { get; private init; }

    /// <summary>The message, with its fix apart where that is known.</summary>
    public Fault Fault { get; private init; } = new(message);

    /// <summary>The request itself is invalid.</summary>
    public static Problem Invalid(string message, Exception? inner = null) => new(ErrorCode.Invalid, message, inner);

    /// <summary>Something that the request names does not exist.</summary>
    public static Problem NotFound(string message) => new(ErrorCode.NotFound, message);

    /// <summary>The request came too late, or contradicts the current state.</summary>
    public static Problem Conflict(string message) => new(ErrorCode.Conflict, message);

    /// <summary>The caller may not do this.</summary>
    public static Problem Forbidden(string message) => new(ErrorCode.Forbidden, message);

    /// <summary>Something is over a limit.</summary>
    public static Problem TooLarge(string message) => new(ErrorCode.TooLarge, message);

    /// <summary>The caller has used up what it may use; nothing was stored.</summary>
    /// <param name="message">The limit, and the way out.</param>
    /// <param name="retryAfter">When to try again, in seconds; null when that is up to others.</param>
    public static Problem Limited(string message, double? retryAfter = null) =>
        new(ErrorCode.Limited, message) { RetryAfter = retryAfter };

    /// <summary>Hive cannot do it now; nothing was stored.</summary>
    public static Problem Unavailable(string message, Exception? inner = null) =>
        new(ErrorCode.Unavailable, message, inner);

    /// <summary>Hive cannot do it now, with a fix; nothing was stored.</summary>
    public static Problem Unavailable(Fault fault, Exception? inner = null) =>
        new(ErrorCode.Unavailable, fault.ToString(), inner) { Fault = fault };
}
