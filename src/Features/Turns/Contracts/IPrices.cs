namespace Hive.Features.Turns.Contracts;

/// <summary>The price table, for slices that count money.</summary>
internal interface IPrices
{
    /// <summary>The price of tokens in millionths of a US dollar, rounded to the nearest; null for a model that is not
    /// in the table. From memory, and from any thread.</summary>
    long? Micro(string? model, Tokens tokens);
}

/// <summary>The tokens of one turn or of several.</summary>
/// <param name="Input">Input that is not in the cache.</param>
/// <param name="Output">Output.</param>
/// <param name="CacheRead">Input read from the cache.</param>
/// <param name="CacheCreation">Input written to the cache.</param>
internal readonly record struct Tokens(long Input, long Output, long CacheRead, long CacheCreation);
