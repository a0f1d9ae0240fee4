namespace Hive.Features.Turns.Contracts;

/// <summary>Tells how long an agent's driver may be silent in a turn.</summary>
internal interface IQuietLimits
{
    /// <summary>The limit of an agent: <c>idle_seconds</c> of its configuration, or the default. From memory.</summary>
    TimeSpan Of(string agent);
}
