using Hive.Protocol;

namespace Hive.Common.Errors;

/// <summary>A refusal with a stable code; every door shows its message to the caller as it is.</summary>
/// <param name="code">The stable word.</param>
/// <param name="message">What was wrong, the limit, and what to do instead.</param>
/// <param name="inner">What caused it, for the log.</param>
public sealed class Problem(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The stable word.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>The message, with its cure apart where that is known.</summary>
    public Fault Fault { get; private init; } = new(message);

    /// <summary>The request itself is wrong.</summary>
    public static Problem Invalid(string message, Exception? inner = null) => new(ErrorCode.Invalid, message, inner);

    /// <summary>What the request names does not exist.</summary>
    public static Problem NotFound(string message) => new(ErrorCode.NotFound, message);

    /// <summary>Too late, or against the present state.</summary>
    public static Problem Conflict(string message) => new(ErrorCode.Conflict, message);

    /// <summary>The caller may not do this.</summary>
    public static Problem Forbidden(string message) => new(ErrorCode.Forbidden, message);

    /// <summary>Over a limit.</summary>
    public static Problem TooLarge(string message) => new(ErrorCode.TooLarge, message);

    /// <summary>Not possible now; nothing was stored.</summary>
    public static Problem Unavailable(string message, Exception? inner = null) =>
        new(ErrorCode.Unavailable, message, inner);

    /// <summary>Not possible now, with what to do about it; nothing was stored.</summary>
    public static Problem Unavailable(Fault fault, Exception? inner = null) =>
        new(ErrorCode.Unavailable, fault.ToString(), inner) { Fault = fault };
}
