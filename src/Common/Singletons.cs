using Microsoft.Extensions.DependencyInjection;

namespace Hive.Common;

/// <summary>Registers one instance under several types.</summary>
public static class Singletons
{
    /// <summary>Registers one <typeparamref name="T"/>, under its own type and under the interface.</summary>
    public static IServiceCollection AddSingletonAs<T, TFirst>(this IServiceCollection services)
        where T : class, TFirst
        where TFirst : class =>
        services.AddSingleton<T>().AddSingleton<TFirst>(provider => provider.GetRequiredService<T>());

    /// <summary>Registers one <typeparamref name="T"/>, under its own type and under each of the interfaces.</summary>
    public static IServiceCollection AddSingletonAs<T, TFirst, TSecond>(this IServiceCollection services)
        where T : class, TFirst, TSecond
        where TFirst : class
        where TSecond : class =>
        services.AddSingletonAs<T, TFirst>().AddSingleton<TSecond>(provider => provider.GetRequiredService<T>());

    /// <summary>Registers one <typeparamref name="T"/>, under its own type and under each of the interfaces.</summary>
    public static IServiceCollection AddSingletonAs<T, TFirst, TSecond, TThird>(this IServiceCollection services)
        where T : class, TFirst, TSecond, TThird
        where TFirst : class
        where TSecond : class
        where TThird : class =>
        services
            .AddSingletonAs<T, TFirst, TSecond>()
            .AddSingleton<TThird>(provider => provider.GetRequiredService<T>());
}
