using FsCheck;
using FsCheck.Fluent;
using Hive.Tests.Fixture;

namespace Hive.Tests;

/// <summary>Checks properties of generated values, which the ring's seed decides.</summary>
internal static class Property
{
    /// <summary>Checks a property; a failure names the shortest value found that fails.</summary>
    /// <param name="property">The property.</param>
    /// <param name="first">How many values are tried in the first ring.</param>
    /// <param name="inLong">How many values are tried in the long ring.</param>
    /// <param name="endSize">The size of the largest values.</param>
    public static void Holds(FsCheck.Property property, int first, int inLong, int endSize = 100) =>
        Check.One(
            Config
                .QuickThrowOnFailure.WithMaxTest(Ring.Count(first, inLong))
                .WithEndSize(endSize)
                // The second number must be odd.
                .WithReplay((ulong)(uint)Ring.Seed, 1),
            property
        );
}
